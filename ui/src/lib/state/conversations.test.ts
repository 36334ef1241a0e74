import { expect, test } from 'vitest';

import { FakeBackend } from '../../testing/fake-backend';
import { NOW, conversation, held } from '../../testing/sample';
import { Conversations, KEEP } from './conversations.svelte';

const ids = (list: { id: number }[]) => list.map((entry) => entry.id);

test('newest activity comes first, then the higher id', () => {
  const conversations = new Conversations(new FakeBackend());
  const at = { last_activity_at: NOW };
  conversations.reset([conversation(1, at), conversation(3), conversation(2, at)], false, []);
  expect(ids(conversations.list('open'))).toEqual([2, 1, 3]);
});

test('each conversation stands under its tabs', () => {
  const conversations = new Conversations(new FakeBackend());
  conversations.reset(
    [
      conversation(1, { needs_human: { reason: 'no_answer', since: NOW } }),
      conversation(2, { control: 'human', waiting_since: NOW }),
      conversation(3, { control: 'human' }),
      conversation(4, {
        held: held(),
      }),
      conversation(5, { status: 'resolved' }),
      conversation(6, { held: held({ due_at: null, hold_ms: null }) }),
      conversation(7, { held: held({ due_at: null, hold_ms: null, writing: true }) }),
    ],
    false,
    [],
  );
  expect(ids(conversations.list('needs_me'))).toEqual([1, 2, 6]);
  expect(ids(conversations.list('held'))).toEqual([4, 6, 7]);
  expect(ids(conversations.list('open'))).toEqual([1, 2, 3, 4, 6, 7]);
});

test('a list has no holes: what lies below what was asked for stays hidden until it is reached', async () => {
  const backend = new FakeBackend();
  const conversations = new Conversations(backend);
  conversations.reset([conversation(1), conversation(2)], true, []);
  conversations.put(conversation(50));
  conversations.publish();
  expect(ids(conversations.list('open'))).toEqual([1, 2]);
  void conversations.loadMore('open');
  expect(backend.asked.at(-1)).toMatchObject({ filter: 'open', before: { id: 2 } });
  await backend.answer('conversations', {
    type: 'conversations',
    conversations: [conversation(3), conversation(50)],
    more: false,
  });
  expect(ids(conversations.list('open'))).toEqual([1, 2, 3, 50]);
});

test('a page that fails can be asked for again', async () => {
  const backend = new FakeBackend();
  const conversations = new Conversations(backend);
  conversations.reset([], false, []);
  void conversations.loadMore('resolved');
  await backend.refuse('conversations', 'timed_out');
  expect(conversations.failed).toBe('resolved');
  void conversations.loadMore('resolved');
  await backend.answer('conversations', { type: 'conversations', conversations: [], more: false });
  expect(conversations.failed).toBeNull();
  expect(conversations.more('resolved')).toBe(false);
});

test('memory stays bounded, the open conversation stays, and the list knows that there is more', () => {
  const conversations = new Conversations(new FakeBackend());
  conversations.reset([], false, []);
  for (let id = 1; id <= KEEP * 1.3; id++) conversations.put(conversation(id));
  conversations.publishEach([KEEP + 900]);
  conversations.publishLists();
  expect(conversations.all).toHaveLength(KEEP + 1);
  expect(conversations.get(KEEP + 900)).toBeDefined();
  expect(conversations.more('open')).toBe(true);
  expect(conversations.list('open')).toHaveLength(KEEP);
});
