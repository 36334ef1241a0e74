import type { Conversation, Message, Seq } from '$lib/protocol';

/** How far a message has come: kept by the desk, written to a connection of the customer, read there. */
export type Mark = 'stored' | 'delivered' | 'read';

/** Whom a message can reach now: nobody, only plain text, which never says what was read, or more. */
export type Reach = 'absent' | 'plain' | 'v1';

export function reachOf({ connections }: Pick<Conversation, 'connections'>): Reach {
  if (connections.length === 0) return 'absent';
  return connections.every((connection) => connection.protocol === 'plain') ? 'plain' : 'v1';
}

const isOwn = (message: Message) => message.author === 'agent' || message.author === 'automatic';

/**
 * The marks of a thread: one for each state, at the last message that has come so far. What stands above a mark has come
 * as far at least. Of a message that was changed after it was delivered nothing is claimed: which text was read is not
 * known.
 */
export function marks(
  messages: Message[],
  { delivered_seq, customer_read_seq }: Pick<Conversation, 'delivered_seq' | 'customer_read_seq'>,
): Map<Seq, Mark> {
  const found = new Map<Seq, Mark>();
  let next: Mark[] = ['stored', 'delivered', 'read'];
  for (let at = messages.length - 1; at >= 0 && next.length > 0; at -= 1) {
    const message = messages[at];
    if (!message || !isOwn(message)) continue;
    const { seq } = message;
    const mark: Mark = seq <= customer_read_seq ? 'read' : seq <= delivered_seq ? 'delivered' : 'stored';
    if (!next.includes(mark) || (message.change && mark !== 'stored')) continue;
    found.set(seq, mark);
    next = next.slice(next.indexOf(mark) + 1);
  }
  return found;
}
