import { beforeEach, describe, expect, test } from 'vitest';

import type { Backup } from '$lib/protocol';

import { FakeBackend, settled } from '../../testing/fake-backend';
import { NOW, SETTINGS, conversation, held, message, snapshot } from '../../testing/sample';
import { Desk } from './desk.svelte';

const backup = (name: string, change: Partial<Backup> = {}): Backup => ({
  name,
  at: NOW - 3_600_000,
  reason: 'daily',
  bytes: 90_112,
  ...change,
});

const listed = (...backups: Backup[]) =>
  ({ type: 'backups', backups, folder: '/data/backups', problem: null }) as const;

let backend: FakeBackend;
let desk: Desk;
let frame: (() => void) | null;
let saved: [string, string][];

function nextFrame() {
  const work = frame;
  frame = null;
  work?.();
}

beforeEach(async () => {
  backend = new FakeBackend();
  frame = null;
  saved = [];
  desk = new Desk(backend, {
    schedule: (work) => (frame = work),
    saveFile: (name, content) => saved.push([name, content]),
  });
  desk.start();
  const conversations = [conversation(1), conversation(2)];
  await backend.answer('snapshot', { type: 'snapshot', ...snapshot(conversations) });
});

describe('backups', () => {
  test('are asked for when someone looks, and again when they change', async () => {
    expect(backend.has('backups')).toBe(false);
    void desk.upkeep.load();
    await backend.answer('backups', listed(backup('1')));
    expect(desk.upkeep.backups).toHaveLength(1);
    const problem = { message: 'No space left.', message_zh: '没有空间。' };
    backend.update(NOW, { type: 'backups_changed', problem });
    nextFrame();
    expect(desk.upkeep.problem).toEqual(problem);
    await backend.answer('backups', listed(backup('2'), backup('1')));
    expect(desk.upkeep.backups?.map(({ name }) => name)).toEqual(['2', '1']);
  });

  test('progress is shown for its own task, whoever asked for it', () => {
    backend.update(NOW, { type: 'upkeep', upkeep: { task: 'back_up', percent: 40 } });
    nextFrame();
    expect([desk.upkeep.percent('back_up'), desk.upkeep.percent('erase')]).toEqual([40, null]);
    expect([desk.upkeep.busy, desk.upkeep.inTheWayOf('erase')]).toEqual([true, 'back_up']);
    backend.update(NOW, { type: 'upkeep', upkeep: null });
    nextFrame();
    expect(desk.upkeep.busy).toBe(false);
  });

  test('work that ended while this console missed it does not go on for ever', async () => {
    backend.update(NOW, { type: 'upkeep', upkeep: { task: 'back_up', percent: 40 } });
    nextFrame();
    backend.update(NOW, { type: 'resync' });
    nextFrame();
    await backend.answer('snapshot', { type: 'snapshot', ...snapshot([]) });
    expect(desk.upkeep.busy).toBe(false);
  });

  test('a restore that is refused says why and can be left; one that is done is over', async () => {
    desk.upkeep.askToRestore(backup('1'));
    const first = desk.upkeep.restore();
    expect(backend.next('restore')?.name).toBe('1');
    desk.upkeep.keep();
    expect(desk.upkeep.restoring?.name).toBe('1');
    await backend.refuse('restore', 'backup_unusable', 'It is damaged.');
    expect([await first, desk.upkeep.refused?.message]).toEqual([false, 'It is damaged.']);
    const second = desk.upkeep.restore();
    await backend.answer('restore', { type: 'done' });
    expect([await second, desk.upkeep.restoring]).toEqual([true, null]);
  });
});

test('a conversation is exported part by part, as one file', async () => {
  const done = desk.export(1, 'json');
  expect(backend.next('export')).toEqual({ type: 'export', conversation: 1, format: 'json' });
  await backend.answer('export', { type: 'exported', name: 'c.json', part: '{"a":', next: 40 });
  expect(backend.next('export')?.after).toBe(40);
  await backend.answer('export', { type: 'exported', name: 'c.json', part: '1}', next: null });
  await done;
  expect(saved).toEqual([['c.json', '{"a":1}']]);
});

test('an export that breaks off saves nothing', async () => {
  const done = desk.export(1, 'text');
  await backend.answer('export', { type: 'exported', name: 'c.txt', part: 'half', next: 40 });
  await backend.refuse('export', 'no_such_conversation');
  await done;
  expect(saved).toEqual([]);
  expect(desk.toasts.all.at(-1)?.tone).toBe('error');
});

test('of an erased customer nothing stays in the console', async () => {
  desk.open(2);
  desk.thread(2);
  await backend.answer('thread', {
    type: 'thread',
    messages: [message(1, 'customer', 'hello')],
    more: false,
  });
  desk.drafts.set(2, { mode: 'reply', text: 'Dear Ann' });
  void desk.held.edit(2, held());
  void desk.outbox.send(2, 'send', 'Dear Ann, hello');
  desk.search.set('hello');
  await new Promise((resolve) => setTimeout(resolve, 200));
  await backend.answer('search', {
    type: 'found',
    hits: [conversation(1), conversation(2)].map((found) => ({ conversation: found, message: null })),
  });
  desk.upkeep.askToErase(conversation(2));
  const erased = desk.upkeep.erase();
  expect(backend.next('erase')?.conversation).toBe(2);
  backend.update(NOW, { type: 'gone', conversation: 2 });
  nextFrame();
  expect(desk.upkeep.erasing?.id).toBe(2);
  await backend.answer('erase', { type: 'done' });
  expect([await erased, desk.upkeep.erasing, desk.place.selected]).toEqual([true, null, null]);
  expect(desk.conversations.all.map(({ id }) => id)).toEqual([1]);
  expect(desk.threads.find(2)).toBeUndefined();
  expect(desk.drafts.of(2).text).toBe('');
  expect([desk.held.of(2), desk.outbox.of(2)]).toEqual([null, []]);
  expect(desk.search.hits?.map((hit) => hit.conversation.id)).toEqual([1]);
});

test('a limit out of its bounds is not sent, and is named', async () => {
  const { draft } = desk.settings;
  if (draft) draft.limits.ping_seconds = 900;
  expect(await desk.saveSettings()).toBe(false);
  expect(desk.settings.refused).toMatchObject({ field: 'limits.ping_seconds' });
  expect(desk.settings.refused?.message).toContain('1 to 300');
  // It is said in the console's language already.
  expect(desk.settings.refused?.chinese).toBe(desk.settings.refused?.message);
  desk.place.goSetting('limits.ping_seconds');
  expect([desk.place.view, desk.place.section]).toEqual(['settings', 'limits']);
  if (draft) draft.limits.ping_seconds = 30;
  const saved = desk.saveSettings();
  await settled();
  expect(backend.next('save_settings')?.settings.limits.ping_seconds).toBe(30);
  await backend.answer('save_settings', { type: 'settings', settings: SETTINGS });
  expect(await saved).toBe(true);
});
