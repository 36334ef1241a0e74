import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

const HERE = new URL('./', import.meta.url);
const SHORT_MS = 150;
/** What goes on for as long as something else does: someone writes, or a reply's time runs out. */
const LOOPS = ['blink', 'to-and-fro', 'run-out'];

const files = readdirSync(HERE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(css|svelte)$/u.test(name) && !name.startsWith('paraglide'))
  .map((name) => ({ name, text: readFileSync(new URL(name, HERE), 'utf8') }));

/** Where a time stands: a transition or an animation in CSS, a class of Tailwind, or a transition of Svelte's. */
const PLACES = [
  /(?:^|[\s;{'"`])(?:animation|transition)(?:-duration|-delay)?\s*:\s*([^;'"`\n}]+)/gu,
  /--default-transition-duration\s*:\s*([^;]+)/gu,
  /animate-\[([^\]]+)\]/gu,
  /(?:duration|delay)-\[?(\d+(?:ms|s)?)/gu,
  /\b(?:duration|delay)\s*:\s*(\d+)/gu,
];

function milliseconds(words: string): number[] {
  return [...words.matchAll(/(?<![\w.])(\d*\.?\d+)(ms|s)?(?![\w.%(])/gu)]
    .filter(([, , unit]) => unit !== undefined || /^\d+$/u.test(words.trim()))
    .map(([, count, unit]) => Number(count) * (unit === 's' ? 1_000 : 1));
}

const isLoop = (words: string) =>
  LOOPS.some((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'u').test(words));

const motions = files.flatMap(({ name, text }) =>
  PLACES.flatMap((place) => [...text.matchAll(place)])
    .map(([, words = '']) => ({ name, words: words.replaceAll('_', ' ').trim() }))
    .map((motion) => ({ ...motion, loop: isLoop(motion.words), times: milliseconds(motion.words) })),
);

test('nothing moves for longer than 150 ms but what goes on as long as something else does', () => {
  const slow = motions.filter(({ loop, times }) => !loop && times.some((time) => time > SHORT_MS));
  expect(slow).toEqual([]);
  // It was looked at: the house's own time, and that of what appears.
  expect(motions.filter(({ loop }) => !loop).flatMap(({ times }) => times)).toEqual(
    expect.arrayContaining([110]),
  );
});

test('every loop that is let off is there, and rests for who asks for less motion', () => {
  for (const name of LOOPS) {
    expect(
      motions.some(({ words, loop }) => loop && words.includes(name)),
      name,
    ).toBe(true);
  }
  const forever = files.flatMap(({ text }) => text.match(/\S*animate-\[[^\]]*infinite[^\]]*\]/gu) ?? []);
  expect(forever.length).toBeGreaterThan(0);
  expect(forever.filter((found) => !found.includes('motion-safe:'))).toEqual([]);
});

test('a time that is too long would be found', () => {
  expect(milliseconds('opacity 200ms ease-out')).toEqual([200]);
  expect(milliseconds('blink 1.2s infinite')).toEqual([1_200]);
  expect(milliseconds('300')).toEqual([300]);
  expect(milliseconds('scaleX(1)')).toEqual([]);
});
