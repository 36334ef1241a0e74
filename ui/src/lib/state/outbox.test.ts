import { beforeEach, expect, test } from 'vitest';

import { FakeBackend, settled } from '../../testing/fake-backend';
import { message } from '../../testing/sample';
import { Outbox } from './outbox.svelte';

let backend: FakeBackend;
let outbox: Outbox;

beforeEach(() => {
  backend = new FakeBackend();
  let ids = 0;
  outbox = new Outbox(backend, () => `id-${++ids}`);
});

const asked = () => backend.asked.map((request) => (request.type === 'send' ? request.text : request.type));

test('what is written in quick succession reaches the desk in the order it was written', async () => {
  void outbox.send(1, 'send', 'one');
  void outbox.send(1, 'send', 'two');
  await settled();
  expect(asked()).toEqual(['one']);
  await backend.answer('send', { type: 'sent', seq: 4, revision: 3 });
  expect(asked()).toEqual(['one', 'two']);
});

test('what fails does not keep what was written after it from leaving', async () => {
  void outbox.send(1, 'send', 'one');
  void outbox.send(1, 'send', 'two');
  await backend.refuse('send', 'store_failed');
  expect(asked()).toEqual(['one', 'two']);
  expect(outbox.of(1)).toMatchObject([{ state: 'failed' }, { state: 'sending' }]);
});

test('one conversation does not wait for another', async () => {
  void outbox.send(1, 'send', 'one');
  void outbox.send(2, 'send', 'two');
  await settled();
  expect(asked()).toEqual(['one', 'two']);
});

test('what was sent is not shown as under way once the thread has its place, though its message is not loaded', async () => {
  void outbox.send(1, 'send', 'one');
  const thread = { loaded: true, messages: [message(3, 'agent', 'x')] };
  expect(outbox.notIn(1, thread)).toHaveLength(1);
  await backend.answer('send', { type: 'sent', seq: 4, revision: 3 });
  expect(outbox.notIn(1, thread)).toHaveLength(1);
  expect(outbox.notIn(1, { loaded: false, messages: [] })).toEqual([]);
  expect(outbox.notIn(1, { loaded: true, messages: [message(90, 'agent', 'x')] })).toEqual([]);
  expect(
    outbox.notIn(1, { loaded: true, messages: [message(4, 'agent', 'one', { client_id: 'id-1' })] }),
  ).toEqual([]);
});
