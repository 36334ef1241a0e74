import { render } from 'svelte/server';
import type { Component } from 'svelte';
import { beforeEach, expect, test } from 'vitest';

import { Desk } from '$lib/state/desk.svelte';
import { m } from '$paraglide/messages.js';
import { overwriteGetLocale } from '$paraglide/runtime.js';

import { FakeBackend } from '../testing/fake-backend';
import { COUNTS, conversation, message, snapshot } from '../testing/sample';
import Within from '../testing/Within.svelte';
import ActivityView from './ActivityView.svelte';
import ConversationsView from './ConversationsView.svelte';

/** A desk, and the page of a view as it is when it is asked for. What was drawn once on a server is not drawn again. */
function begin(view: Component) {
  const backend = new FakeBackend();
  const desk = new Desk(backend);
  desk.start();
  const page = () => render(Within, { props: { desk, view } }).body;
  const start = (open: number) =>
    backend.answer('snapshot', {
      type: 'snapshot',
      ...snapshot(open > 0 ? [conversation(1)] : [], { counts: { ...COUNTS, open } }),
    });
  return { backend, desk, page, start };
}

const shape = (id: string) => `data-testid="${id}"`;

beforeEach(() => overwriteGetLocale(() => 'en'));

test('before the desk has answered, the shape of a thread stands where one will stand', async () => {
  const before = begin(ConversationsView).page();
  expect(before).toContain(shape('main-loading'));
  expect(before).not.toContain(m.no_selection());
  expect(before).not.toContain(shape('empty-desk'));
  const { start, page } = begin(ConversationsView);
  await start(1);
  const after = page();
  expect(after).not.toContain(shape('main-loading'));
  expect(after).toContain(m.no_selection());
});

test('a conversation that is still being asked for is not said to be none', async () => {
  const { start, desk, page } = begin(ConversationsView);
  await start(1);
  desk.open(9);
  expect(page()).toContain(shape('main-loading'));
  const gone = begin(ConversationsView);
  await gone.start(1);
  gone.desk.open(9);
  await gone.backend.refuse('conversation', 'no_such_conversation');
  expect(gone.page()).not.toContain(shape('main-loading'));
});

test('a thread that is on its way shows its shape, and is not said to be empty', async () => {
  const coming = begin(ConversationsView);
  await coming.start(1);
  coming.desk.open(1);
  const before = coming.page();
  expect(before).toContain(shape('thread-loading'));
  expect(before).not.toContain(m.thread_empty());
  const { backend, desk, start, page } = begin(ConversationsView);
  await start(1);
  desk.open(1);
  desk.thread(1);
  const messages = [message(1, 'customer', 'Where is my desk?')];
  await backend.answer('thread', { type: 'thread', messages, more: false });
  const after = page();
  expect(after).not.toContain(shape('thread-loading'));
  expect(after).toContain('Where is my desk?');
});

test('activity that is on its way is not said to be none', async () => {
  const coming = begin(ActivityView);
  await coming.start(0);
  coming.desk.activity.watch();
  const before = coming.page();
  expect(before).toContain(shape('activity-loading'));
  expect(before).not.toContain(m.activity_empty());
  const { backend, desk, start, page } = begin(ActivityView);
  await start(0);
  desk.activity.watch();
  await backend.answer('watch_activity', { type: 'done' });
  await backend.answer('activity', { type: 'activity', events: [] });
  const after = page();
  expect(after).not.toContain(shape('activity-loading'));
  expect(after).toContain(m.activity_empty());
});

test('the first line that an empty desk offers works wherever it is typed', async () => {
  const { start, page } = begin(ConversationsView);
  await start(0);
  const shown = page();
  expect(shown).toContain('npx wscat -c ws://127.0.0.1:8080');
  expect(shown).not.toContain('new WebSocket');
});
