import type { Hold } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** `at once`, `15 s` or `ask me`. */
export function holdLabel(hold: Hold): string {
  if (hold.kind === 'ask') return m.hold_ask();
  if (hold.seconds === 0) return m.hold_none();
  const minutes = hold.seconds / 60;
  return Number.isInteger(minutes) && minutes > 1
    ? m.minutes({ count: minutes })
    : m.hold_seconds({ count: hold.seconds });
}

export function sameHold(a: Hold | null, b: Hold | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'ask' || b.kind === 'ask') return a.kind === b.kind;
  return a.seconds === b.seconds;
}
