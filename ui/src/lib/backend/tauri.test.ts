import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Batch } from '$lib/protocol';

import type { Status } from './backend';
import { TauriBackend } from './tauri';

const WAITS = { answer: 40_000, again: 1_000 };

interface Asked {
  watch: number;
  after: number;
  answer: (batch: Batch) => void;
  refuse: (cause: unknown) => void;
}

let watches: number;
/** Questions for a batch, in order. */
let asked: Asked[];
let statuses: Status['state'][];
let backend: TauriBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', globalThis);
  watches = 0;
  asked = [];
  statuses = [];
  mockIPC((command, args) => {
    if (command === 'watch') return watches++;
    if (command !== 'watch_next') throw new Error(command);
    const { watch, after } = args as { watch: number; after: number };
    return new Promise((answer, refuse) => asked.push({ watch, after, answer, refuse }));
  });
  backend = new TauriBackend(WAITS);
  backend.observe((status) => statuses.push(status.state));
});

afterEach(() => {
  clearMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const batch = (serial: number): Batch => ({ serial, now: 0, updates: [] });
const settle = () => vi.advanceTimersByTimeAsync(0);

test('it asks for a batch only once the last was drawn', async () => {
  const heard: number[] = [];
  let drawn = () => {};
  backend.watch((one) => {
    heard.push(one.serial);
    return new Promise((resolve) => (drawn = resolve));
  });
  await settle();
  expect(asked).toMatchObject([{ watch: 0, after: 0 }]);
  asked[0]?.answer(batch(1));
  await settle();
  expect([heard, asked.length]).toEqual([[1], 1]);
  drawn();
  await settle();
  expect(asked[1]).toMatchObject({ watch: 0, after: 1 });
  expect(statuses).toEqual(['online']);
});

test('when the desk does not answer it says so, begins anew, and says that too', async () => {
  backend.watch(() => Promise.resolve());
  await settle();
  asked[0]?.answer(batch(1));
  await settle();
  await vi.advanceTimersByTimeAsync(WAITS.answer);
  expect(statuses).toEqual(['online', 'offline']);
  await vi.advanceTimersByTimeAsync(WAITS.again);
  expect(statuses).toEqual(['online', 'offline', 'online']);
  expect(asked.at(-1)).toMatchObject({ watch: 1, after: 0 });
});

test('the same when the desk refuses', async () => {
  backend.watch(() => Promise.resolve());
  await settle();
  asked[0]?.refuse({ code: 'shutting_down', message: 'This watch has ended.' });
  await settle();
  expect(statuses).toEqual(['online', 'offline']);
  await vi.advanceTimersByTimeAsync(WAITS.again);
  expect(statuses.at(-1)).toBe('online');
});

test('who has stopped hears nothing more, and a later watch replaces an earlier one', async () => {
  const heard: string[] = [];
  const hears = (name: string) => () => {
    heard.push(name);
    return Promise.resolve();
  };
  backend.watch(hears('first'));
  await settle();
  const stop = backend.watch(hears('second'));
  await settle();
  for (const question of asked) question.answer(batch(1));
  await settle();
  stop();
  asked.at(-1)?.answer(batch(2));
  await settle();
  expect(heard).toEqual(['second']);
  expect(statuses).toEqual(['online']);
});
