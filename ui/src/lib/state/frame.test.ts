import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const FRAME = 16;

let nextFrame: typeof import('./frame').nextFrame;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => setTimeout(run, FRAME));
  vi.stubGlobal('cancelAnimationFrame', (frame: number) => clearTimeout(frame));
  vi.resetModules();
  ({ nextFrame } = await import('./frame'));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Work that takes this long, noting when it began. */
function work(took: number, begun: number[]) {
  return () => {
    begun.push(performance.now());
    vi.setSystemTime(Date.now() + took);
    vi.advanceTimersByTime(took);
  };
}

test('work is done before the next paint', () => {
  const begun: number[] = [];
  const asked = performance.now();
  nextFrame(work(0, begun));
  expect(begun).toEqual([]);
  vi.advanceTimersByTime(FRAME);
  expect(begun).toHaveLength(1);
  expect((begun[0] ?? NaN) - asked).toBeLessThanOrEqual(FRAME);
});

test('after work that took long, drawing rests as long as it took, also for what came while it was drawn', () => {
  const begun: number[] = [];
  nextFrame(() => {
    work(100, begun)();
    nextFrame(work(0, begun));
  });
  vi.advanceTimersByTime(1_000);
  const [first = NaN, second = NaN] = begun;
  expect(second - first).toBeGreaterThanOrEqual(200);
  expect(second - first).toBeLessThan(300);
});

test('a page that paints nothing does its work all the same', () => {
  vi.stubGlobal('requestAnimationFrame', () => 0);
  const begun: number[] = [];
  nextFrame(() => {
    work(0, begun)();
    nextFrame(work(0, begun));
  });
  vi.advanceTimersByTime(1_000);
  expect(begun).toHaveLength(2);
});

test('two pieces of work are never done in one frame, and keep their order', () => {
  const done: [string, number][] = [];
  nextFrame(() => done.push(['first', performance.now()]));
  nextFrame(() => done.push(['second', performance.now()]));
  nextFrame(() => done.push(['third', performance.now()]));
  vi.advanceTimersByTime(1_000);
  expect(done.map(([name]) => name)).toEqual(['first', 'second', 'third']);
  const times = done.map(([, at]) => at);
  expect(new Set(times).size).toBe(3);
});

test('work that fails keeps none that comes after it from being done', () => {
  const begun: number[] = [];
  nextFrame(() => {
    nextFrame(work(0, begun));
    throw new Error('a bug');
  });
  expect(() => vi.advanceTimersByTime(1_000)).toThrow('a bug');
  vi.advanceTimersByTime(1_000);
  expect(begun).toHaveLength(1);
  nextFrame(work(0, begun));
  vi.advanceTimersByTime(1_000);
  expect(begun).toHaveLength(2);
});
