import type { Conversation } from '$lib/protocol';
import { m } from '$paraglide/messages.js';

/** What the agent calls the customer of a conversation. */
export function nameOf(conversation: Pick<Conversation, 'id' | 'customer'>): string {
  return conversation.customer.name?.trim() || m.visitor_name({ id: conversation.id });
}

const CJK = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** At most two letters; one character of a name in Chinese, Japanese or Korean. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const first = [...(words[0] ?? '?')][0] ?? '?';
  if (CJK.test(first)) return first;
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toLocaleUpperCase();
}

const TONES = 8;

/** A number from 0 to 7 that stays the same for the same id, and differs for neighbours. */
export function tone(id: number): number {
  return (Math.imul(id, 2_654_435_761) >>> 16) % TONES;
}
