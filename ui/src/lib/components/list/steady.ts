import type { Conversation } from '$lib/protocol';

/** The new list in the old order: rows keep their places, what is new stands on top, what is gone goes. */
export function steady(before: Conversation[], now: Conversation[]): Conversation[] {
  const fresh = new Map(now.map((conversation) => [conversation.id, conversation]));
  const kept: Conversation[] = [];
  for (const { id } of before) {
    const conversation = fresh.get(id);
    if (!conversation) continue;
    kept.push(conversation);
    fresh.delete(id);
  }
  const last = now.at(-1);
  // A page that was just loaded belongs below, a conversation that just began above.
  const oldest = kept.at(-1);
  const older = [...fresh.values()].filter(
    (c) => oldest !== undefined && last !== undefined && c.last_activity_at < oldest.last_activity_at,
  );
  const newer = [...fresh.values()].filter((c) => !older.includes(c));
  return [...newer, ...kept, ...older];
}

/** Whether the rows that both lists have stand in the same order. */
export function inOrder(before: Conversation[], now: Conversation[]): boolean {
  const places = new Map(now.map(({ id }, place) => [id, place]));
  const kept = before.map(({ id }) => places.get(id)).filter((place) => place !== undefined);
  return kept.every((place, index) => index === 0 || place > (kept[index - 1] ?? 0));
}
