import type { HeldReply, Hold, Timestamp } from '$lib/protocol';
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

/**
 * What is left until a held reply leaves, in milliseconds; `null` while its time does not run. Never more than its hold:
 * this machine's clock runs a little behind the desk's, and nobody sets 10 minutes to read 10:01.
 */
export function remaining(held: HeldReply, now: Timestamp): number | null {
  if (held.due_at === null) return null;
  return Math.min(held.hold_ms ?? Infinity, Math.max(0, held.due_at - now));
}
