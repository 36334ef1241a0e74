import { expect, test } from 'vitest';

import { conversation } from '../../../testing/sample';
import { inOrder, steady } from './steady';

const at = (id: number, last_activity_at: number) => conversation(id, { last_activity_at });
const ids = (list: { id: number }[]) => list.map(({ id }) => id);

test('rows keep their places and show what is new in them', () => {
  const before = [at(1, 30), at(2, 20), at(3, 10)];
  const now = [at(3, 50), at(1, 30), at(2, 20)];
  const shown = steady(before, now);
  expect(ids(shown)).toEqual([1, 2, 3]);
  expect(shown[2]).toBe(now[0]);
});

test('who is new stands on top, who is gone is gone, and an older page comes below', () => {
  const before = [at(1, 30), at(2, 20)];
  const now = [at(4, 60), at(2, 40), at(5, 5)];
  expect(ids(steady(before, now))).toEqual([4, 2, 5]);
});

test('only rows that change places with others are out of order', () => {
  const before = [at(1, 30), at(2, 20), at(3, 10)];
  expect(inOrder(before, [at(4, 60), at(1, 30), at(3, 10)])).toBe(true);
  expect(inOrder(before, [at(2, 40), at(1, 30), at(3, 10)])).toBe(false);
  expect(inOrder([], before)).toBe(true);
});
