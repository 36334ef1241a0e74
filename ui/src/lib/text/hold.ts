import type { Hold } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** `at once`, `15 s` or `ask me`. */
export function holdLabel(hold: Hold): string {
  if (hold.kind === 'ask') return m.hold_ask();
  return hold.seconds === 0 ? m.hold_none() : m.hold_seconds({ count: hold.seconds });
}

export function sameHold(a: Hold | null, b: Hold | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'ask' || b.kind === 'ask') return a.kind === b.kind;
  return a.seconds === b.seconds;
}
