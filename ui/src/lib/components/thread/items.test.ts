import { expect, test } from 'vitest';

import { message } from '../../../testing/sample';
import { type Item, items } from './items';

const MINUTE = 60_000;
const NOON = new Date(2026, 9, 12, 12).getTime();
const MIDNIGHT = new Date(2026, 9, 13).getTime();

/** What is drawn, in short: a day, or a message with `(` where it begins a group and `)` where the group ends. */
const drawn = (list: Item[]) =>
  list.map((item) => {
    if (item.kind === 'day') return 'day';
    if (item.kind !== 'bubble') return item.kind;
    return `${item.joined ? '' : '('}${item.message.seq}${item.last ? ')' : ''}`;
  });

const customer = (seq: number, at: number) => message(seq, 'customer', `${seq}`, { at });

test('a day is named before its first message, and groups do not reach over midnight', () => {
  const thread = [
    customer(1, MIDNIGHT - 2 * MINUTE),
    customer(2, MIDNIGHT - MINUTE),
    customer(3, MIDNIGHT),
    customer(4, MIDNIGHT + MINUTE),
  ];
  const list = items(thread);
  expect(drawn(list)).toEqual(['day', '(1', '2)', 'day', '(3', '4)']);
  expect(list.filter(({ kind }) => kind === 'day').map((day) => 'at' in day && day.at)).toEqual([
    MIDNIGHT - 2 * MINUTE,
    MIDNIGHT,
  ]);
  expect(new Set(list.map(({ key }) => key)).size).toBe(list.length);
});

test('five minutes of silence begin a group, less does not', () => {
  const thread = [
    customer(1, NOON),
    customer(2, NOON + 5 * MINUTE - 1),
    customer(3, NOON + 10 * MINUTE - 1),
    customer(4, NOON + 10 * MINUTE),
  ];
  expect(drawn(items(thread))).toEqual(['day', '(1', '2)', '(3', '4)']);
});

test('a group has one author, of one name, with one source', () => {
  const at = NOON;
  const source = { kind: 'rule', id: 1, name: 'Hours' } as const;
  const thread = [
    customer(1, at),
    message(2, 'agent', '2', { at, name: 'Mia' }),
    message(3, 'agent', '3', { at, name: 'Li' }),
    message(4, 'automatic', '4', { at, source: { kind: 'fallback' } }),
    message(5, 'automatic', '5', { at, source }),
    message(6, 'automatic', '6', { at, source: { ...source } }),
    message(7, 'note', '7', { at, name: 'Mia' }),
    message(8, 'system', '', { at, system: { kind: 'resolved', by: 'Mia' } }),
    customer(9, at),
  ];
  expect(drawn(items(thread))).toEqual([
    'day',
    '(1)',
    '(2)',
    '(3)',
    '(4)',
    '(5',
    '6)',
    'note',
    'system',
    '(9)',
  ]);
});

test('what did not change is not drawn again; what ends a group no more is', () => {
  const [first, second] = [customer(1, NOON), customer(2, NOON + MINUTE)];
  const before = items([first, second]);
  const after = items([first, second, customer(3, NOON + 2 * MINUTE)]);
  expect(after[1]).toBe(before[1]);
  expect(after[2]).not.toBe(before[2]);
  expect(drawn(after)).toEqual(['day', '(1', '2', '3)']);
});
