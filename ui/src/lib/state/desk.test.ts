import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Conversation, Message } from '$lib/protocol';

import { FakeBackend, settled } from '../../testing/fake-backend';
import {
  COUNTS,
  NOW,
  conversation,
  fallback,
  held as heldReply,
  message,
  snapshot,
} from '../../testing/sample';
import { Desk } from './desk.svelte';

let backend: FakeBackend;
let frame: (() => void) | null;
let desk: Desk;
let ids: number;

function nextFrame() {
  const work = frame;
  frame = null;
  work?.();
}

const names = (list: Conversation[]) => list.map((c) => c.id);
const texts = (list: Message[]) => list.map((entry) => entry.text);

beforeEach(() => {
  backend = new FakeBackend();
  frame = null;
  ids = 0;
  desk = new Desk(backend, { schedule: (work) => (frame = work), newId: () => `id-${++ids}` });
  desk.start();
});

const start = (conversations: Conversation[], more = false) =>
  backend.answer('snapshot', { type: 'snapshot', ...snapshot(conversations, { more }) });

async function open(id: number, messages: Message[], more = false) {
  desk.open(id);
  const thread = desk.thread(id);
  await backend.answer('thread', { type: 'thread', messages, more });
  return thread;
}

describe('snapshot and updates', () => {
  test('updates that arrive before the snapshot win over it', async () => {
    const late = conversation(1, { unread: 3, last_activity_at: NOW });
    backend.update(NOW, { type: 'conversation', conversation: late });
    nextFrame();
    expect(desk.ready).toBe(false);
    await start([conversation(1), conversation(2)]);
    expect(desk.ready).toBe(true);
    expect(desk.conversations.get(1)?.unread).toBe(3);
    expect(names(desk.conversations.list('open'))).toEqual([1, 2]);
  });

  test('a batch is applied once, at the next frame, in order', async () => {
    await start([conversation(1)]);
    backend.update(NOW, { type: 'conversation', conversation: conversation(1, { unread: 1 }) });
    backend.update(NOW, { type: 'conversation', conversation: conversation(1, { unread: 2 }) });
    expect(desk.conversations.get(1)?.unread).toBe(0);
    nextFrame();
    expect(desk.conversations.get(1)?.unread).toBe(2);
  });

  test('of much, the lists are drawn a frame later than everything else', async () => {
    await start([conversation(1)]);
    const thread = await open(1, [message(1, 'customer', 'hello')]);
    const said = Array.from({ length: 100 }, (_, i) => message(i + 2, 'customer', `line ${i}`));
    const lists = vi.spyOn(desk.conversations, 'publishLists');
    const drawnSoFar = () => [desk.conversations.get(1)?.unread, lists.mock.calls.length];
    backend.update(
      NOW,
      { type: 'conversation', conversation: conversation(1, { unread: 100 }) },
      ...said.map((one) => ({ type: 'message' as const, conversation: 1, message: one })),
    );
    const drawn = backend.taken;
    nextFrame();
    expect(thread.messages).toHaveLength(101);
    expect(drawnSoFar()).toEqual([100, 0]);
    expect(await backend.hasTaken(drawn)).toBe(false);
    // What comes meanwhile comes after, and little at once.
    backend.update(NOW, { type: 'conversation', conversation: conversation(1, { unread: 7 }) });
    nextFrame();
    expect(drawnSoFar()).toEqual([100, 1]);
    nextFrame();
    expect(drawnSoFar()).toEqual([7, 2]);
    expect(await backend.hasTaken(drawn)).toBe(true);
    expect(frame).toBeNull();
  });

  test('how conversations stood before a resync is not drawn after it', async () => {
    await start([conversation(1), conversation(2)]);
    backend.update(NOW, { type: 'conversation', conversation: conversation(2) });
    backend.update(NOW, { type: 'conversation', conversation: conversation(2) }, { type: 'resync' });
    await start([conversation(1)]);
    nextFrame();
    expect(names(desk.conversations.list('open'))).toEqual([1]);
  });

  test('after an error while drawing, everything is asked for again and the watch goes on', async () => {
    await start([conversation(1)]);
    const put = desk.threads.put.bind(desk.threads);
    desk.threads.put = () => {
      throw new Error('a bug');
    };
    backend.update(
      NOW,
      { type: 'message', conversation: 1, message: message(1, 'customer', 'hello') },
      { type: 'conversation', conversation: conversation(2) },
    );
    expect(nextFrame).toThrow('a bug');
    desk.threads.put = put;
    nextFrame();
    await start([conversation(1), conversation(2)]);
    expect(names(desk.conversations.list('open'))).toEqual([1, 2]);
    expect(await backend.hasTaken(backend.taken)).toBe(true);
    backend.update(NOW, { type: 'conversation', conversation: conversation(1, { unread: 1 }) });
    nextFrame();
    expect(desk.conversations.get(1)?.unread).toBe(1);
  });

  test('what a model has written so far is there after a reload, and goes on', async () => {
    const writing = conversation(1, { held: heldReply({ text: '', writing: true }) });
    const drafts = [{ conversation: 1, for_seq: 1, text: 'We are' }];
    await backend.answer('snapshot', { type: 'snapshot', ...snapshot([writing], { drafts }) });
    expect(desk.writing.of(1, 1)).toBe('We are');
    expect(desk.writing.of(1, 2)).toBe('');
    backend.update(NOW, { type: 'draft', conversation: 1, for_seq: 1, text: 'We are open' });
    nextFrame();
    expect(desk.writing.of(1, 1)).toBe('We are open');
    backend.update(NOW, { type: 'resync' });
    await start([conversation(1)]);
    expect(desk.writing.of(1, 1)).toBe('');
  });

  test('resync keeps what is shown until the new snapshot is here', async () => {
    await start([conversation(1), conversation(2)]);
    const thread = await open(1, [message(1, 'customer', 'hello')]);
    desk.drafts.set(1, { mode: 'reply', text: 'half a' });
    backend.update(NOW, { type: 'resync' });
    nextFrame();
    expect(names(desk.conversations.list('open'))).toEqual([1, 2]);
    backend.update(NOW, { type: 'conversation', conversation: conversation(3, { last_activity_at: NOW }) });
    await start([conversation(1)]);
    expect(names(desk.conversations.list('open'))).toEqual([3, 1]);
    expect(texts(thread.messages)).toEqual(['hello']);
    await backend.answer('thread', {
      type: 'thread',
      messages: [message(1, 'customer', 'hello'), message(2, 'agent', 'hi')],
      more: false,
    });
    expect(texts(thread.messages)).toEqual(['hello', 'hi']);
    expect(desk.thread(1)).toBe(thread);
    expect(desk.drafts.of(1).text).toBe('half a');
  });

  test('only the answer to the last question for a snapshot counts', async () => {
    backend.update(NOW, { type: 'resync' });
    await start([conversation(1)]);
    expect(desk.ready).toBe(false);
    await start([conversation(2)]);
    expect(names(desk.conversations.list('open'))).toEqual([2]);
  });

  test('a connection that comes back asks for everything again', async () => {
    await start([conversation(1)]);
    backend.tell({ state: 'offline', reason: 'lost', retry_at: null });
    expect(desk.connection.lost).toBe(true);
    backend.tell({ state: 'connecting' });
    expect(desk.connection.lost).toBe(true);
    backend.tell({ state: 'online' });
    expect(desk.connection.lost).toBe(false);
    expect(backend.has('snapshot')).toBe(true);
  });

  test('a console that had to ask for its secret asks for everything once it is let in', async () => {
    backend = new FakeBackend({ state: 'offline', reason: 'no_secret', retry_at: null });
    desk = new Desk(backend, { schedule: (work) => (frame = work) });
    desk.start();
    await backend.refuse('snapshot', 'offline');
    backend.tell({ state: 'connecting' });
    backend.tell({ state: 'online' });
    await start([conversation(1)]);
    expect(desk.ready).toBe(true);
    expect(backend.has('snapshot')).toBe(false);
  });

  test('after a resync the open conversation is as the desk has it, also outside the snapshot', async () => {
    await start([conversation(1)]);
    desk.open(1);
    backend.update(NOW, { type: 'resync' });
    await start([]);
    expect(desk.selected?.status).toBe('open');
    await backend.answer('conversation', {
      type: 'conversation',
      conversation: conversation(1, { status: 'resolved' }),
    });
    expect(desk.selected?.status).toBe('resolved');
  });

  test('counts, listening and visitors who leave', async () => {
    await start([conversation(9, { stored: false, connections: [] })]);
    backend.update(
      NOW,
      { type: 'counts', counts: { ...COUNTS, needs_me: 4 } },
      {
        type: 'listening',
        listening: { state: 'failed', address: 'a', message: 'taken', message_zh: '已占用', holder: 'node' },
      },
      { type: 'gone', conversation: 9 },
    );
    nextFrame();
    expect(desk.status.counts.needs_me).toBe(4);
    expect(desk.status.address).toBeNull();
    expect(desk.conversations.get(9)).toBeUndefined();
  });
});

describe('threads', () => {
  test('messages that arrive while the thread is on its way are kept', async () => {
    await start([conversation(1)]);
    desk.open(1);
    const thread = desk.thread(1);
    const corrected = message(2, 'automatic', 'corrected', { revision: 9 });
    backend.update(NOW, { type: 'message', conversation: 1, message: corrected });
    backend.update(NOW, { type: 'message', conversation: 1, message: message(3, 'customer', 'third') });
    nextFrame();
    const page = [message(1, 'customer', 'first'), message(2, 'automatic', 'old', { source: fallback })];
    await backend.answer('thread', { type: 'thread', messages: page, more: true });
    expect(texts(thread.messages)).toEqual(['first', 'corrected', 'third']);
    expect(thread.earlier).toBe(true);
  });

  test('earlier messages are put in front', async () => {
    await start([conversation(1)]);
    const thread = await open(1, [message(61, 'customer', 'late')], true);
    void thread.loadEarlier();
    expect(backend.asked.at(-1)).toMatchObject({ type: 'thread', before_seq: 61 });
    await backend.answer('thread', {
      type: 'thread',
      messages: [message(60, 'agent', 'early')],
      more: false,
    });
    expect(texts(thread.messages)).toEqual(['early', 'late']);
    expect(thread.earlier).toBe(false);
  });

  test('a long thread stays bounded while nobody reads above', async () => {
    await start([conversation(1)]);
    const thread = await open(1, []);
    for (let seq = 1; seq <= 2_000; seq++) {
      backend.update(NOW, { type: 'message', conversation: 1, message: message(seq, 'customer', `${seq}`) });
      if (seq % 100 === 0) nextFrame();
    }
    while (frame) nextFrame();
    expect(thread.messages.length).toBeLessThanOrEqual(500);
    expect(thread.messages.at(-1)?.seq).toBe(2_000);
    expect(thread.earlier).toBe(true);
  });

  test('a thread that fell behind by more than a page is replaced, not joined with a hole', async () => {
    await start([conversation(1)]);
    const thread = await open(1, [message(1, 'customer', 'old')]);
    backend.update(NOW, { type: 'resync' });
    await start([conversation(1)]);
    await backend.answer('thread', {
      type: 'thread',
      messages: [message(90, 'customer', 'new')],
      more: true,
    });
    expect(texts(thread.messages)).toEqual(['new']);
    expect(thread.earlier).toBe(true);
  });
});

describe('what the agent sends', () => {
  test('is shown at once and replaced by the message with the same id', async () => {
    await start([conversation(1)]);
    const thread = await open(1, []);
    void desk.outbox.send(1, 'send', 'on my way');
    expect(desk.outbox.of(1)).toMatchObject([{ id: 'id-1', state: 'sending' }]);
    backend.update(NOW, {
      type: 'message',
      conversation: 1,
      message: message(1, 'agent', 'on my way', { client_id: 'id-1' }),
    });
    nextFrame();
    expect(desk.outbox.of(1)).toEqual([]);
    expect(texts(thread.messages)).toEqual(['on my way']);
    await backend.answer('send', { type: 'sent', seq: 1, revision: 1 });
    expect(desk.outbox.of(1)).toEqual([]);
  });

  test('fails visibly and is sent again under the same id', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'hello?');
    await backend.refuse('send', 'store_failed');
    expect(desk.outbox.of(1)).toMatchObject([{ state: 'failed' }]);
    void desk.outbox.retry('id-1');
    expect(desk.outbox.of(1)).toMatchObject([{ state: 'sending', error: null }]);
    expect(backend.asked.at(-1)).toMatchObject({ type: 'send', id: 'id-1' });
  });
});

describe('held replies', () => {
  const held = heldReply();

  test('editing pauses, saving sends the text', async () => {
    await start([conversation(1, { held })]);
    void desk.held.edit(1, held);
    await backend.answer('pause_held', { type: 'done' });
    desk.held.write(1, 'Desks ship in 2 days.');
    void desk.held.save(1);
    expect(backend.asked.at(-1)).toMatchObject({ type: 'send_held', held: 7, text: 'Desks ship in 2 days.' });
    await backend.answer('send_held', { type: 'done' });
    expect(desk.held.of(1)).toBeNull();
  });

  test('what was too late is said quietly', async () => {
    await start([conversation(1, { held })]);
    void desk.held.send(1, held);
    await backend.refuse('send_held', 'stale_reply');
    expect(desk.toasts.all).toMatchObject([{ tone: 'info', kind: 'stale_reply' }]);
  });

  test('an edit whose reply went away moves to the composer', async () => {
    await start([conversation(1, { held })]);
    void desk.held.edit(1, held);
    await backend.answer('pause_held', { type: 'done' });
    desk.held.write(1, 'my words');
    backend.update(NOW, { type: 'conversation', conversation: conversation(1, { held: null }) });
    nextFrame();
    expect(desk.held.of(1)).toBeNull();
    expect(desk.drafts.of(1).text).toBe('my words');
  });

  test('a discarded reply can be brought back from the toast', async () => {
    await start([conversation(1, { held })]);
    void desk.discardHeld(conversation(1, { held }));
    await backend.answer('discard_held', { type: 'done' });
    desk.toasts.all[0]?.action?.run();
    expect(backend.asked.at(-1)).toMatchObject({ type: 'restore_held', held: 7 });
  });
});

describe('small things', () => {
  test('a place is marked read once', async () => {
    await start([conversation(1)]);
    desk.markRead(1, 4);
    desk.markRead(1, 4);
    desk.markRead(1, 3);
    expect(backend.asked.filter((request) => request.type === 'mark_read')).toHaveLength(1);
    await backend.refuse('mark_read', 'offline');
    desk.markRead(1, 4);
    expect(backend.asked.filter((request) => request.type === 'mark_read')).toHaveLength(2);
  });

  test('a conversation that no longer exists is closed', async () => {
    await start([]);
    desk.open(5);
    await backend.refuse('conversation', 'no_such_conversation');
    expect(desk.place.selected).toBeNull();
  });

  test('20,000 messages leave the lists complete and bounded', async () => {
    const many = Array.from({ length: 500 }, (_, index) => conversation(index + 1));
    await start(many);
    await open(1, []);
    for (let batch = 0; batch < 600; batch++) {
      for (let index = 0; index < 34; index++) {
        const seq = batch * 34 + index + 1;
        const id = (seq % 50) + 1;
        const at = NOW + seq;
        backend.update(
          at,
          { type: 'message', conversation: id, message: message(seq, 'customer', 'text', { at }) },
          { type: 'conversation', conversation: conversation(id, { last_activity_at: at, last_seq: seq }) },
          {
            type: 'activity',
            event: {
              serial: seq,
              at,
              kind: { kind: 'received', seq, preview: 'text' },
              connection: id,
              conversation: id,
              address: null,
            },
          },
        );
      }
      nextFrame();
    }
    while (frame) nextFrame();
    await settled();
    expect(desk.conversations.list('open')).toHaveLength(500);
    expect(desk.activity.events.length).toBeLessThanOrEqual(2_500);
    expect(desk.activity.events.at(-1)?.serial).toBe(20_400);
    expect(desk.conversations.list('open')[0]?.last_seq).toBe(20_400);
  });
});
