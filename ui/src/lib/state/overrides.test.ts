import { beforeEach, describe, expect, test } from 'vitest';

import { FakeBackend } from '../../testing/fake-backend';
import { NOW, conversation, held, lesson, message, snapshot } from '../../testing/sample';
import { Desk } from './desk.svelte';

let backend: FakeBackend;
let frame: (() => void) | null;
let desk: Desk;

function nextFrame() {
  const work = frame;
  frame = null;
  work?.();
}

const writing = held({ writing: true, text: '', due_at: null });
const types = () => backend.asked.map((request) => request.type);

beforeEach(async () => {
  backend = new FakeBackend();
  frame = null;
  desk = new Desk(backend, { schedule: (work) => (frame = work) });
  desk.start();
  await backend.answer('snapshot', {
    type: 'snapshot',
    ...snapshot([conversation(1, { held: writing }), conversation(2)]),
  });
});

function hear(...updates: Parameters<FakeBackend['update']>[1][]) {
  backend.update(NOW, ...updates);
  nextFrame();
}

describe('while a model writes', () => {
  test('its words are shown for the message they answer, until it is done', () => {
    hear({ type: 'draft', conversation: 1, for_seq: 1, text: 'Desks ship' });
    hear({ type: 'draft', conversation: 1, for_seq: 1, text: 'Desks ship in 3' });
    expect(desk.writing.of(1, 1)).toBe('Desks ship in 3');
    expect(desk.writing.of(1, 2)).toBe('');
    expect(desk.writing.of(2, 1)).toBe('');
    hear({ type: 'conversation', conversation: conversation(1, { held: held() }) });
    expect(desk.writing.of(1, 1)).toBe('');
  });

  test('editing stops it first, and opens with everything it had written', async () => {
    void desk.held.edit(1, writing);
    expect(types()).toContain('stop_writing');
    expect(desk.held.of(1)).toBeNull();
    await backend.answer('stop_writing', { type: 'done' });
    hear({
      type: 'conversation',
      conversation: conversation(1, { held: held({ text: 'Desks ship in', due_at: null, hold_ms: null }) }),
    });
    expect(desk.held.of(1)).toMatchObject({ held: 7, text: 'Desks ship in' });
  });

  test('a reply finished just before it could be stopped is edited as it is, without a word', async () => {
    void desk.held.edit(1, writing);
    await backend.refuse('stop_writing', 'stale_reply');
    hear({ type: 'conversation', conversation: conversation(1, { held: held() }) });
    expect(types().at(-1)).toBe('pause_held');
    expect(desk.held.of(1)?.text).toBe('Desks ship in 3 days.');
    expect(desk.toasts.all).toEqual([]);
  });

  test('a reply that went away while it was being stopped opens nothing', async () => {
    void desk.held.edit(1, writing);
    await backend.answer('stop_writing', { type: 'done' });
    hear({ type: 'conversation', conversation: conversation(1, { held: held({ id: 8 }) }) });
    expect(desk.held.of(1)).toBeNull();
  });
});

describe('after it was sent', () => {
  const reply = message(2, 'automatic', 'Desks ship in 3 days.');

  test('a correction is sent once, and not at all when nothing changed', async () => {
    desk.changes.correct(1, reply);
    desk.changes.write(1, 'Desks ship in 2 days.');
    const saved = desk.changes.save(1);
    void desk.changes.save(1);
    expect(backend.asked.filter((request) => request.type === 'correct')).toEqual([
      { type: 'correct', conversation: 1, seq: 2, text: 'Desks ship in 2 days.' },
    ]);
    await backend.answer('correct', { type: 'done' });
    expect(await saved).toBe(true);
    expect(desk.changes.correcting(1)).toBeNull();

    desk.changes.correct(1, reply);
    expect(await desk.changes.save(1)).toBe(true);
    expect(types().filter((type) => type === 'correct')).toHaveLength(1);
  });

  test('what was written stays when the desk refuses', async () => {
    desk.changes.correct(1, reply);
    desk.changes.write(1, 'better');
    void desk.changes.save(1);
    await backend.refuse('correct', 'offline');
    expect(desk.changes.correcting(1)?.text).toBe('better');
    expect(desk.toasts.all).toHaveLength(1);
  });

  test('each conversation has a correction of its own, and its editor takes the keyboard once', () => {
    desk.changes.correct(1, reply);
    expect([desk.changes.takesFocus(), desk.changes.takesFocus()]).toEqual([true, false]);
    desk.changes.write(1, 'half of');
    desk.changes.correct(2, reply);
    desk.changes.cancel(2);
    expect(desk.changes.correcting(1)?.text).toBe('half of');
  });

  test('nothing is retracted before the agent has said so twice', async () => {
    desk.changes.askToRetract(1, reply);
    expect(types()).not.toContain('retract');
    desk.changes.keep();
    expect(await desk.changes.retract()).toBe(false);
    desk.changes.askToRetract(1, reply);
    void desk.changes.retract();
    await backend.answer('retract', { type: 'done' });
    expect(backend.asked.at(-1)).toEqual({ type: 'retract', conversation: 1, seq: 2 });
    expect(desk.changes.retracting).toBeNull();
  });

  test('only what the desk said and has not retracted can be changed', () => {
    desk.changes.correct(1, message(1, 'customer', 'hello'));
    expect(desk.changes.correcting(1)).toBeNull();
    const change = { kind: 'retracted', by: 'Mia', at: NOW, original: 'x' } as const;
    desk.changes.correct(1, message(2, 'agent', '', { change }));
    expect(desk.changes.correcting(1)).toBeNull();
  });

  test('an untouched editor follows a correction made elsewhere; a retraction closes it', () => {
    desk.changes.correct(1, reply);
    const change = { kind: 'corrected', by: 'Li', at: NOW, original: reply.text } as const;
    hear({
      type: 'message',
      conversation: 1,
      message: { ...reply, text: 'In 4 days.', revision: 3, change },
    });
    expect(desk.changes.correcting(1)?.text).toBe('In 4 days.');
    const retracted = { ...change, kind: 'retracted' } as const;
    hear({
      type: 'message',
      conversation: 1,
      message: { ...reply, text: '', revision: 4, change: retracted },
    });
    expect(desk.changes.correcting(1)).toBeNull();
  });
});

describe('suggestions', () => {
  const suggestion = { for_seq: 3, text: 'Yes, we do.', source: { kind: 'answer' }, writing: false } as const;

  test('are shown under human control, until they are done with', () => {
    const human = conversation(1, { control: 'human', suggestion });
    expect(desk.suggestions.of(conversation(1, { suggestion }))).toBeNull();
    expect(desk.suggestions.of(human)).toEqual(suggestion);
    desk.suggestions.done(1, suggestion);
    expect(desk.suggestions.of(human)).toBeNull();
    const next = { ...suggestion, for_seq: 5 };
    expect(desk.suggestions.of(conversation(1, { control: 'human', suggestion: next }))).toEqual(next);
  });
});

describe('offers to learn', () => {
  test('are made to who did it, in the open conversation, once something was said', () => {
    desk.open(1);
    hear({ type: 'lesson', lesson: lesson(1, { by: 'Someone else' }) });
    expect(desk.offer.in(1)).toBeNull();
    hear({ type: 'lesson', lesson: lesson(2, { conversation: 2 }) });
    expect(desk.offer.in(2)).toBeNull();
    hear({ type: 'lesson', lesson: lesson(3, { kind: 'discarded', reply: null }) });
    expect(desk.offer.in(1)).toBeNull();
    hear({ type: 'lesson', lesson: lesson(4) });
    expect(desk.offer.in(1)?.id).toBe(4);
    desk.open(2);
    desk.open(1);
    expect(desk.offer.in(1)).toBeNull();
  });

  test('are declined for good', () => {
    desk.open(1);
    hear({ type: 'lesson', lesson: lesson(4) }, { type: 'lessons', waiting: 3 });
    expect(desk.offer.in(1)?.id).toBe(4);
    void desk.decline(lesson(4));
    expect(desk.offer.in(1)).toBeNull();
    expect(backend.asked.at(-1)).toEqual({ type: 'dismiss_lesson', lesson: 4 });
  });
});

test('sockets are heard of only while someone looks, also after a reconnect', async () => {
  expect(types()).not.toContain('activity');
  const stop = desk.activity.watch();
  expect(backend.asked.at(-1)).toEqual({ type: 'watch_activity', on: true });
  await backend.answer('watch_activity', { type: 'done' });
  expect(types().at(-1)).toBe('activity');
  await backend.answer('activity', { type: 'activity', events: [] });
  backend.tell({ state: 'offline', reason: 'lost', retry_at: null });
  backend.tell({ state: 'online' });
  await backend.answer('snapshot', { type: 'snapshot', ...snapshot([]) });
  expect(backend.asked.at(-1)).toEqual({ type: 'watch_activity', on: true });
  stop();
  expect(backend.asked.at(-1)).toEqual({ type: 'watch_activity', on: false });
});

test('away is shown as the desk says it', async () => {
  void desk.setAway(true);
  await backend.answer('set_away', { type: 'done' });
  expect(desk.status.away).toBe(true);
  hear({ type: 'away', away: false });
  expect(desk.status.away).toBe(false);
});
