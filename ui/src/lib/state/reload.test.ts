import { beforeEach, describe, expect, test, vi } from 'vitest';

import type { Conversation, Snapshot } from '$lib/protocol';

import { FakeBackend } from '../../testing/fake-backend';
import { MemoryStorage } from '../../testing/memory';
import { NOW, conversation, held, message, snapshot } from '../../testing/sample';
import { Desk } from './desk.svelte';
import { sentence } from './refused';

const PAUSED = { due_at: null, paused_ms: 9_000 };

let session: MemoryStorage;
let local: MemoryStorage;
let backend: FakeBackend;
let desk: Desk;
let ids: number;
let frame: (() => void) | null;

function nextFrame() {
  const work = frame;
  frame = null;
  work?.();
}

/** The page as it begins: nothing is left of the last one but what was stored. */
function load() {
  backend = new FakeBackend();
  frame = null;
  desk = new Desk(backend, {
    session,
    local,
    newId: () => `id-${++ids}`,
    schedule: (work) => (frame = work),
  });
  desk.start();
}

const start = (conversations: Conversation[], change: Partial<Snapshot> = {}) =>
  backend.answer('snapshot', { type: 'snapshot', ...snapshot(conversations, change) });

const types = () => backend.asked.map((request) => request.type);
const hear = (shown: Conversation) => {
  backend.update(NOW, { type: 'conversation', conversation: shown });
  nextFrame();
};

beforeEach(() => {
  session = new MemoryStorage();
  local = new MemoryStorage();
  ids = 0;
  load();
});

describe('a held reply that is being edited', () => {
  /** Edits the reply of the first conversation, which waits from then on. */
  async function edited(text: string) {
    await start([conversation(1, { held: held() }), conversation(2, { held: held({ id: 3 }) })]);
    desk.open(1);
    void desk.held.edit(1, held());
    await backend.answer('pause_held', { type: 'done' });
    desk.held.write(1, text);
  }

  test('is in editing again after a reload, with what was written', async () => {
    await edited('Desks ship in 2 days.');
    load();
    await start([conversation(1, { held: held(PAUSED) })]);
    expect(desk.held.of(1)).toMatchObject({ held: 7, text: 'Desks ship in 2 days.' });
    expect(types()).not.toContain('pause_held');
    void desk.held.save(1);
    expect(backend.asked.at(-1)).toMatchObject({ type: 'send_held', held: 7, text: 'Desks ship in 2 days.' });
    await backend.answer('send_held', { type: 'done' });
    load();
    expect(desk.held.of(1)).toBeNull();
  });

  test('that did not get to wait before the reload waits after it', async () => {
    await edited('Desks ship in 2 days.');
    load();
    await start([conversation(1, { held: held() })]);
    expect(backend.next('pause_held')).toMatchObject({ conversation: 1, held: 7 });
  });

  test('goes on when the agent gives the edit up after the reload', async () => {
    await edited('Desks ship in 2 days.');
    load();
    await start([conversation(1, { held: held(PAUSED) })]);
    void desk.held.cancel(1);
    expect(backend.next('resume_held')).toMatchObject({ conversation: 1, held: 7 });
  });

  test('whose reply went away meanwhile is found in the composer', async () => {
    await edited('my words');
    load();
    await start([conversation(1, { held: held({ id: 8 }) })]);
    expect(desk.held.of(1)).toBeNull();
    expect(desk.drafts.of(1)).toEqual({ mode: 'reply', text: 'my words' });
    expect(desk.toasts.all).toHaveLength(1);
  });

  test('is looked after outside the snapshot, too', async () => {
    await edited('my words');
    desk.open(2);
    load();
    await start([conversation(2)]);
    await backend.answer('conversation', {
      type: 'conversation',
      conversation: conversation(1, { held: held() }),
    });
    expect(backend.next('pause_held')).toMatchObject({ conversation: 1, held: 7 });
    expect(desk.held.of(1)?.text).toBe('my words');
  });

  test('stays and waits while the agent looks at another conversation', async () => {
    await edited('my words');
    desk.open(2);
    expect(types()).not.toContain('resume_held');
    void desk.held.edit(2, held({ id: 3 }));
    await backend.answer('pause_held', { type: 'done' });
    desk.open(1);
    expect([desk.held.of(1)?.text, desk.held.of(2)?.held]).toEqual(['my words', 3]);
  });

  test('stays and waits when a notification opens another conversation', async () => {
    await edited('my words');
    backend.update(NOW, { type: 'reveal', conversation: 2 });
    nextFrame();
    expect([desk.place.selected, desk.held.of(1)?.text]).toEqual([2, 'my words']);
    expect(types()).not.toContain('resume_held');
  });

  test('that goes away is put behind the draft that is there, and its conversation is offered', async () => {
    await edited('my words');
    desk.drafts.set(1, { mode: 'reply', text: 'Dear Ann, ' });
    desk.open(2);
    hear(conversation(1, { held: null }));
    expect(desk.drafts.of(1).text).toBe('Dear Ann,\nmy words');
    expect(desk.toasts.all).toHaveLength(1);
    desk.toasts.all[0]?.action?.run();
    expect(desk.place.selected).toBe(1);
  });

  test('that goes away untouched, or emptied, is not spoken of', async () => {
    await edited(held().text);
    hear(conversation(1, { held: null }));
    void desk.held.edit(1, held());
    await backend.answer('pause_held', { type: 'done' });
    desk.held.write(1, '  ');
    hear(conversation(1, { held: null }));
    expect([desk.held.of(1), desk.drafts.of(1).text, desk.toasts.all]).toEqual([null, '', []]);
  });

  test('that is saved too late is found in the composer, with one word about it', async () => {
    await edited('my words');
    void desk.held.save(1);
    hear(conversation(1, { held: null }));
    await backend.refuse('send_held', 'stale_reply');
    expect([desk.held.of(1), desk.drafts.of(1).text]).toEqual([null, 'my words']);
    expect(desk.toasts.all).toHaveLength(1);
  });

  test('stays when the desk cannot be reached', async () => {
    await edited('my words');
    void desk.held.save(1);
    await backend.refuse('send_held', 'offline');
    expect(desk.held.of(1)?.text).toBe('my words');
  });
});

describe('a message that is not at the desk yet', () => {
  test('is sent after a reload, under its id, once the desk is reached', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'on my way');
    void desk.outbox.send(1, 'note', 'soon');
    load();
    expect(desk.outbox.of(1)).toMatchObject([
      { id: 'id-1', state: 'sending' },
      { id: 'id-2', state: 'sending' },
    ]);
    expect(types()).not.toContain('send');
    await start([conversation(1)]);
    expect(backend.asked.at(-1)).toMatchObject({ type: 'send', id: 'id-1', text: 'on my way' });
    // It had arrived before: the desk says so, and shows nothing new.
    await backend.answer('send', { type: 'sent', seq: 2, revision: 2 });
    expect(backend.asked.at(-1)).toMatchObject({ type: 'note', id: 'id-2', text: 'soon' });
    await backend.answer('note', { type: 'sent', seq: 3, revision: 2 });
    expect(desk.outbox.of(1)).toEqual([]);
    load();
    expect(desk.outbox.of(1)).toEqual([]);
  });

  test('is sent once, however often the desk is asked for everything', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'on my way');
    load();
    await start([conversation(1)]);
    void desk.resync();
    await start([conversation(1)]);
    expect(types().filter((type) => type === 'send')).toHaveLength(1);
  });

  test('that failed comes back as failed, says why, and can be sent again', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'hello?');
    await backend.refuse('send', 'store_failed', 'The disk is full.');
    load();
    await start([conversation(1)]);
    const [own] = desk.outbox.of(1);
    expect(own).toMatchObject({ id: 'id-1', state: 'failed', text: 'hello?' });
    expect(own?.error?.code).toBe('store_failed');
    expect(types()).not.toContain('send');
    void desk.outbox.retry('id-1');
    expect(backend.asked.at(-1)).toMatchObject({ type: 'send', id: 'id-1' });
  });

  test('waits for the agent when a backup was restored: its conversation may be another', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'on my way');
    load();
    await start([conversation(1)], { epoch: 'e2' });
    expect(types()).not.toContain('send');
    const [own] = desk.outbox.of(1);
    expect(own?.state).toBe('failed');
    expect(own?.error && sentence(own.error)).toMatch(/backup|备份/u);
  });

  test('that is shown in the thread is done', async () => {
    await start([conversation(1)]);
    void desk.outbox.send(1, 'send', 'on my way');
    const shown = message(1, 'agent', 'on my way', { client_id: 'id-1' });
    backend.update(NOW, { type: 'message', conversation: 1, message: shown });
    nextFrame();
    load();
    expect(desk.outbox.of(1)).toEqual([]);
  });
});

describe('a text that goes back to the composer', () => {
  test('stands behind what is there', () => {
    desk.drafts.append(1, 'reply', 'one');
    desk.drafts.append(1, 'reply', 'two');
    expect(desk.drafts.of(1)).toEqual({ mode: 'reply', text: 'one\ntwo' });
  });

  test('never makes a message of a note', () => {
    desk.drafts.set(1, { mode: 'reply', text: 'Dear Ann' });
    desk.drafts.append(1, 'note', 'a difficult one');
    expect(desk.drafts.of(1).mode).toBe('note');
    desk.drafts.set(2, { mode: 'note', text: 'a difficult one' });
    desk.drafts.append(2, 'reply', 'Dear Ann');
    expect(desk.drafts.of(2).mode).toBe('note');
    desk.drafts.set(3, { mode: 'note', text: '' });
    desk.drafts.append(3, 'reply', 'Dear Ann');
    expect(desk.drafts.of(3)).toEqual({ mode: 'reply', text: 'Dear Ann' });
  });
});

test('what cannot be kept, or read again, costs nothing but the reload', async () => {
  session.setItem('deskbell.edits', '{');
  session.setItem('deskbell.outbox', 'null');
  session.setItem = () => {
    throw new Error('full');
  };
  load();
  await start([conversation(1, { held: held() })]);
  void desk.outbox.send(1, 'send', 'hello');
  void desk.held.edit(1, held());
  expect([desk.outbox.of(1).length, desk.held.of(1)?.held]).toEqual([1, 7]);
});

describe('a correction under way', () => {
  const reply = message(2, 'automatic', 'Desks ship in 3 days.');

  test('is there after a reload, without taking the keyboard', async () => {
    await start([conversation(1)]);
    desk.changes.correct(1, reply);
    desk.changes.write(1, 'Desks ship in 2');
    load();
    await start([conversation(1)]);
    expect(desk.changes.correcting(1)).toMatchObject({ seq: 2, text: 'Desks ship in 2' });
    expect(desk.changes.takesFocus()).toBe(false);
  });

  test('is not one of another database', async () => {
    await start([conversation(1)]);
    desk.changes.correct(1, reply);
    load();
    await start([conversation(1)], { epoch: 'another' });
    expect(desk.changes.correcting(1)).toBeNull();
  });
});

test('two windows write drafts beside each other', async () => {
  await start([conversation(1), conversation(2)]);
  const first = desk;
  load();
  first.drafts.set(1, { mode: 'reply', text: 'one' });
  first.drafts.save();
  desk.drafts.set(2, { mode: 'note', text: 'two' });
  desk.drafts.save();
  first.drafts.save();
  load();
  expect([desk.drafts.of(1).text, desk.drafts.of(2).text]).toEqual(['one', 'two']);
  desk.drafts.set(1, { mode: 'reply', text: '' });
  desk.drafts.save();
  load();
  expect([desk.drafts.of(1).text, desk.drafts.of(2).text]).toEqual(['', 'two']);
});

test('a search that failed while the desk was away is asked again', async () => {
  await start([conversation(1)]);
  desk.search.set('walnut');
  await vi.waitFor(() => expect(types()).toContain('search'));
  await backend.refuse('search', 'offline');
  expect(desk.search.error).not.toBeNull();
  backend.tell({ state: 'offline', reason: 'lost', retry_at: null });
  backend.tell({ state: 'online' });
  await start([conversation(1)]);
  await vi.waitFor(() => expect(backend.has('search')).toBe(true));
  await backend.answer('search', { type: 'found', hits: [] });
  expect([desk.search.error, desk.search.hits]).toEqual([null, []]);
});
