import { beforeEach, expect, test } from 'vitest';

import type { Conversation } from '$lib/protocol';

import { FakeBackend } from '../../testing/fake-backend';
import { conversation, held, lesson, snapshot } from '../../testing/sample';
import { commandFor, commands } from './commands';
import { Desk } from './desk.svelte';

const suggestion = { for_seq: 3, text: 'Yes.', source: { kind: 'answer' }, writing: false } as const;
let desk: Desk;

async function show(shown: Conversation) {
  const backend = new FakeBackend();
  desk = new Desk(backend);
  desk.start();
  await backend.answer('snapshot', { type: 'snapshot', ...snapshot([shown]) });
  desk.open(shown.id);
}

/** What a key does now. */
function at(key: string, shiftKey = false): string | undefined {
  const event = { key, shiftKey, ctrlKey: false, metaKey: false, altKey: false } as KeyboardEvent;
  return commandFor(commands(desk), event)?.id;
}

beforeEach(() => show(conversation(1)));

test('a held reply has one key for each act', async () => {
  await show(conversation(1, { held: held() }));
  expect(['Enter', 'e', 'Backspace', 't', 's'].map((key) => at(key))).toEqual([
    'held-send',
    'held-edit',
    'held-discard',
    'take-over',
    undefined,
  ]);
});

test('the same keys hold while it is being written, but nothing half-written is sent', async () => {
  await show(conversation(1, { held: held({ writing: true, due_at: null }) }));
  expect(['e', 'Backspace', 't', 's'].map((key) => at(key))).toEqual([
    'held-edit',
    'held-discard',
    'take-over',
    'held-stop',
  ]);
  expect(at('Enter')).not.toBe('held-send');
});

test('a reply that was stopped before its first word is not sent', async () => {
  await show(conversation(1, { held: held({ text: '', due_at: null, hold_ms: null }) }));
  expect(at('Enter')).not.toBe('held-send');
  expect(at('e')).toBe('held-edit');
});

test('a suggestion is used or put away by key, once it is written', async () => {
  await show(conversation(1, { control: 'human', suggestion }));
  expect([at('u'), at('Backspace')]).toEqual(['suggestion-use', 'suggestion-dismiss']);
  await show(conversation(1, { control: 'human', suggestion: { ...suggestion, writing: true } }));
  expect(at('u')).toBeUndefined();
});

test('a reply that is being edited is not sent by key; its key brings the keyboard back to the editor', async () => {
  await show(conversation(1, { held: held() }));
  void desk.editHeld(conversation(1, { held: held() }));
  desk.place.focus = null;
  expect(['Enter', 'e', 'Backspace'].map((key) => at(key))).toEqual(['reply', 'held-edit', undefined]);
  void desk.editHeld(conversation(1, { held: held() }));
  expect(desk.place.focus).toBe('held');
});

test('the keys step through the rows in the order in which they are shown', async () => {
  const [first, second, third] = [conversation(1), conversation(2), conversation(3)];
  const backend = new FakeBackend();
  desk = new Desk(backend);
  desk.start();
  await backend.answer('snapshot', { type: 'snapshot', ...snapshot([first, second, third]) });
  const step = (id: 'next' | 'previous') => {
    commands(desk)
      .find((command) => command.id === id)
      ?.run();
    return desk.place.selected;
  };
  desk.open(1);
  expect(step('next')).toBe(2);
  // The list has not moved its rows yet.
  desk.conversations.drawn = { tab: 'open', rows: [third, first, second] };
  expect(step('previous')).toBe(1);
  expect(step('previous')).toBe(3);
  // What another tab has drawn says nothing of this one.
  desk.conversations.drawn = { tab: 'held', rows: [third, first, second] };
  expect(step('previous')).toBe(2);
});

test('an offer to learn has a key while it is shown', () => {
  expect(at('l')).toBeUndefined();
  desk.offer.make(lesson(3));
  expect(at('l')).toBe('offer-review');
  desk.offer.leave();
  expect(at('l')).toBeUndefined();
});

test('no two commands that can be done at once share a key', async () => {
  await show(conversation(1, { held: held(), labels: ['a'] }));
  desk.offer.make(lesson(3));
  const keys = commands(desk)
    .filter((command) => command.available())
    .flatMap((command) => command.keys.map((key) => [JSON.stringify(key), command.id] as const));
  const shared = keys.filter(([key, id]) => keys.some(([other, by]) => other === key && by !== id));
  // Enter writes a reply where none is held.
  expect(shared.map(([, id]) => id)).toEqual(['held-send', 'reply']);
});
