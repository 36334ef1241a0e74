import type { Conversation } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** A character that leaves ink by itself: no space, control, mark or filler. */
const INK = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** What the agent calls the customer of a conversation. A name that nobody can see is none. */
export function nameOf(conversation: Pick<Conversation, 'id' | 'customer'>): string {
  const name = conversation.customer.name?.trim() ?? '';
  return INK.test(name) ? name : m.visitor_name({ id: conversation.id });
}

const CJK = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** At most two letters; one character of a name in Chinese, Japanese or Korean. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => INK.test(word));
  const begin = (word: string | undefined) => (word && INK.exec(word)?.[0]) ?? '';
  const first = begin(words[0]) || '?';
  if (CJK.test(first)) return first;
  const last = words.length > 1 ? begin(words.at(-1)) : '';
  return (first + last).toLocaleUpperCase();
}

const TONES = 8;

/** A number from 0 to 7 that stays the same for the same id, and differs for neighbours. */
export function tone(id: number): number {
  return (Math.imul(id, 2_654_435_761) >>> 16) % TONES;
}
