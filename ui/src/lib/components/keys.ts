import type { Key } from '$lib/state/commands';

export const mac = /Mac|iPhone|iPad/u.test(globalThis.navigator?.platform ?? '');

const SIGNS: Record<string, string> = {
  Enter: '⏎',
  Backspace: '⌫',
  ArrowDown: '↓',
  ArrowUp: '↑',
  Escape: 'Esc',
};

/** A key as it is printed on the screen: `⇧R`, `⌘K`, `Ctrl K`. */
export function printed(key: Key): string {
  const sign = SIGNS[key.key] ?? (key.key.length === 1 ? key.key.toUpperCase() : key.key);
  const mod = key.mod ? (mac ? '⌘' : 'Ctrl ') : '';
  return mod + (key.shift && /[a-z]/iu.test(key.key) ? '⇧' : '') + sign;
}
