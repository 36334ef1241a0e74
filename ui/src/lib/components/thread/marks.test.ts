import { expect, test } from 'vitest';

import type { Connection, Message } from '$lib/protocol';

import { conversation, message } from '../../../testing/sample';
import { marks, reachOf } from './marks';

const THREAD = [
  message(1, 'automatic', 'Hello'),
  message(2, 'customer', 'Hi'),
  message(3, 'agent', 'One'),
  message(4, 'agent', 'Two'),
  message(5, 'system', ''),
  message(6, 'agent', 'Three'),
  message(7, 'note', 'A note'),
];

const marked = (messages: Message[], delivered_seq: number, customer_read_seq: number) =>
  Object.fromEntries(marks(messages, { delivered_seq, customer_read_seq }));

test('each state stands once, at the last message that has come so far', () => {
  expect(marked(THREAD, 0, 0)).toEqual({ 6: 'stored' });
  expect(marked(THREAD, 4, 0)).toEqual({ 6: 'stored', 4: 'delivered' });
  expect(marked(THREAD, 4, 3)).toEqual({ 6: 'stored', 4: 'delivered', 3: 'read' });
  expect(marked(THREAD, 7, 2)).toEqual({ 6: 'delivered', 1: 'read' });
});

test('what is read is marked once, and what stands above needs no mark', () => {
  expect(marked(THREAD, 7, 7)).toEqual({ 6: 'read' });
});

test('customers, notes and lines of the desk have no marks', () => {
  const others = THREAD.filter(({ author }) => author !== 'agent' && author !== 'automatic');
  expect(marked(others, 3, 3)).toEqual({});
});

test('of a change that may not have been seen nothing is claimed', () => {
  const change = { kind: 'corrected', by: 'Mia', at: 0, original: 'Thre' } as const;
  const changed = THREAD.map((one) => (one.seq === 6 ? { ...one, change } : one));
  expect(marked(changed, 7, 7)).toEqual({ 4: 'read' });
  expect(marked(changed, 3, 0)).toEqual({ 6: 'stored', 3: 'delivered' });
});

test('whom a message reaches: nobody, plain text only, or more', () => {
  const connection = (protocol: Connection['protocol']): Connection => ({
    id: 1,
    opened_at: 0,
    address: '127.0.0.1:1',
    protocol,
    page: null,
  });
  const reach = (...protocols: Connection['protocol'][]) =>
    reachOf(conversation(1, { connections: protocols.map(connection) }));
  expect(reach()).toBe('absent');
  expect(reach('plain', 'plain')).toBe('plain');
  expect(reach('plain', 'v1')).toBe('v1');
});
