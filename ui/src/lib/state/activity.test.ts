import { beforeEach, describe, expect, test } from 'vitest';

import { FakeBackend } from '../../testing/fake-backend';
import { NOW, event } from '../../testing/sample';
import { Activity, RING } from './activity.svelte';

let backend: FakeBackend;
let activity: Activity;

const serials = () => activity.events.map(({ serial }) => serial);

function happens(...numbers: number[]) {
  for (const serial of numbers) activity.put(event(serial));
  activity.publish();
}

beforeEach(() => {
  backend = new FakeBackend();
  activity = new Activity(backend);
});

describe('while it is paused', () => {
  test('what is shown stays as it was, and what comes is counted', () => {
    happens(1, 2);
    activity.pause();
    happens(3, 4, 5);
    expect([activity.paused, serials(), activity.waiting]).toEqual([true, [1, 2], 3]);
  });

  test('nothing is lost: going on shows it all', () => {
    happens(1);
    activity.pause();
    happens(2, 3);
    activity.resume();
    expect([activity.paused, serials(), activity.waiting]).toEqual([false, [1, 2, 3], 0]);
    happens(4);
    expect(activity.waiting).toBe(0);
  });

  test('a pause begun on an empty list counts from there', () => {
    activity.pause();
    expect(activity.waiting).toBe(0);
    happens(1);
    expect([serials(), activity.waiting]).toEqual([[], 1]);
  });

  test('more may come than is kept', () => {
    happens(1);
    activity.pause();
    happens(...Array.from({ length: RING * 2 }, (_, index) => index + 2));
    expect([serials(), activity.waiting]).toEqual([[1], RING * 2]);
    activity.resume();
    expect(activity.events.length).toBeLessThanOrEqual(RING * 1.25);
    expect(serials().at(-1)).toBe(RING * 2 + 1);
  });

  test('what is erased leaves what is shown, too', () => {
    activity.put(event(1, { conversation: 7 }));
    activity.put(event(2, { conversation: 8 }));
    activity.publish();
    activity.pause();
    activity.forget(7);
    activity.publish();
    expect(serials()).toEqual([2]);
  });
});

test('who leaves the view is told no more', async () => {
  const stop = activity.watch();
  await backend.answer('watch_activity', { type: 'done' });
  stop();
  expect(backend.asked.at(-1)).toEqual({ type: 'watch_activity', on: false });
  // What the console missed meanwhile does not bring it back.
  const asked = backend.asked.length;
  await activity.refresh();
  expect(backend.asked.length).toBe(asked);
});

test('an event counts once, whichever way it comes first', async () => {
  const stop = activity.watch();
  await backend.answer('watch_activity', { type: 'done' });
  expect(activity.loaded).toBe(false);
  happens(3);
  await backend.answer('activity', { type: 'activity', events: [event(1), event(2), event(3)] });
  expect([activity.loaded, serials()]).toEqual([true, [1, 2, 3]]);
  happens(2, 4);
  expect(serials()).toEqual([1, 2, 3, 4]);
  expect(activity.events.every(({ at }) => at >= NOW)).toBe(true);
  stop();
});

test('a desk that started again counts from 1 again, and what was known before gives way to what it knows', async () => {
  const stop = activity.watch();
  await backend.answer('watch_activity', { type: 'done' });
  await backend.answer('activity', { type: 'activity', events: [event(40), event(41)] });
  const refreshing = activity.refresh();
  await backend.answer('watch_activity', { type: 'done' });
  happens(3);
  await backend.answer('activity', { type: 'activity', events: [event(1), event(2)] });
  await refreshing;
  expect(serials()).toEqual([1, 2, 3]);
  happens(4);
  expect(serials()).toEqual([1, 2, 3, 4]);
  stop();
});

test('who asks again while the answer is on its way misses nothing', async () => {
  const stop = activity.watch();
  const again = activity.refresh();
  await backend.answer('watch_activity', { type: 'done' });
  await backend.answer('watch_activity', { type: 'done' });
  await backend.answer('activity', { type: 'activity', events: [event(1)] });
  happens(2, 3);
  await backend.answer('activity', { type: 'activity', events: [event(1), event(2)] });
  await again;
  expect(serials()).toEqual([1, 2, 3]);
  stop();
});
