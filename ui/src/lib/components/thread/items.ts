import type { Message, Timestamp } from '$lib/protocol';
import { startOfDay } from '$lib/text/time';

/** Messages further apart than this stand in groups of their own, in milliseconds. */
const TOGETHER = 5 * 60_000;

export type Item =
  | { kind: 'day'; key: string; at: Timestamp }
  | { kind: 'system'; key: string; message: Message }
  | { kind: 'note'; key: string; message: Message }
  | {
      kind: 'bubble';
      key: string;
      message: Message;
      /** Whether the one before belongs to the same group. */
      joined: boolean;
      /** Whether the group ends here: time and source stand beneath. */
      last: boolean;
    };

/** A thread as it is drawn: days, groups of bubbles, notes and system lines. */
export function items(messages: Message[]): Item[] {
  const drawn: Item[] = [];
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    if (!before || startOfDay(before.at) !== startOfDay(message.at)) {
      drawn.push({ kind: 'day', key: `day ${startOfDay(message.at)} ${message.seq}`, at: message.at });
    }
    drawn.push(item(message, before, messages[index + 1]));
  });
  return drawn;
}

/** What was drawn of a message: the same again while nothing changes, so that nothing is drawn again. */
const drawnBefore = new WeakMap<Message, Item>();

function item(message: Message, before: Message | undefined, after: Message | undefined): Item {
  const known = drawnBefore.get(message);
  const joined = before !== undefined && together(before, message);
  const last = after === undefined || !together(message, after);
  if (known && (known.kind !== 'bubble' || (known.joined === joined && known.last === last))) return known;
  const drawn = newItem(message, joined, last);
  drawnBefore.set(message, drawn);
  return drawn;
}

function newItem(message: Message, joined: boolean, last: boolean): Item {
  const key = String(message.seq);
  if (message.author === 'system') return { kind: 'system', key, message };
  if (message.author === 'note') return { kind: 'note', key, message };
  return { kind: 'bubble', key, message, joined, last };
}

function together(a: Message, b: Message): boolean {
  return (
    a.author === b.author &&
    a.name === b.name &&
    b.at - a.at < TOGETHER &&
    JSON.stringify(a.source) === JSON.stringify(b.source) &&
    startOfDay(a.at) === startOfDay(b.at)
  );
}
