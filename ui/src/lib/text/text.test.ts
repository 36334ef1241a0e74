import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import type { Conversation } from '$lib/protocol';
import { overwriteGetLocale } from '$paraglide/runtime.js';

import { NOW, held } from '../../testing/sample';
import { browserOf } from './browser';
import { fuzzy } from './fuzzy';
import { remaining } from './hold';
import { initials, nameOf, tone } from './person';
import { codeText } from './refusal';
import { bytesLeft } from './size';
import { ago, countdown, day } from './time';

const MINUTE = 60_000;

describe('time', () => {
  const now = new Date(2026, 9, 12, 14, 6).getTime();

  test('is short while it is young', () => {
    overwriteGetLocale(() => 'en');
    expect([0, 59, 60, 125, 3_600 * 23].map((s) => ago(now - s * 1_000, now))).toEqual([
      'now',
      'now',
      '1 min',
      '2 min',
      '23 h',
    ]);
    expect(ago(new Date(2026, 8, 2).getTime(), now)).toBe('2 Sept');
  });

  test('names today and yesterday by the calendar, not by 24 hours', () => {
    overwriteGetLocale(() => 'en');
    const midnight = new Date(2026, 9, 12).getTime();
    expect(day(midnight, now)).toBe('Today');
    expect(day(midnight - MINUTE, now)).toBe('Yesterday');
    overwriteGetLocale(() => 'zh-CN');
    expect(day(midnight, now)).toBe('今天');
  });
});

describe('what is left of a hold', () => {
  const minutes = 10 * MINUTE;
  const running = held({ due_at: NOW + minutes, hold_ms: minutes });

  test('is never more than the hold, although clocks tick', () => {
    // The page's clock stands on the last quarter of a second, before the desk's.
    expect(countdown(remaining(running, NOW - 200) ?? 0)).toBe('10:00');
    expect(countdown(remaining(running, NOW + 1) ?? 0)).toBe('10:00');
    expect(countdown(remaining(running, NOW + 1_000) ?? 0)).toBe('9:59');
  });

  test('ends at nothing, and is not told while no time runs', () => {
    expect(remaining(running, NOW + minutes + 5_000)).toBe(0);
    expect(remaining(held({ due_at: null, paused_ms: 4_000 }), NOW)).toBeNull();
  });
});

describe('a long message', () => {
  test('is told what is left of the limit that is set, and only near it', () => {
    expect(bytesLeft('a'.repeat(200), 16_384)).toBeNull();
    expect(bytesLeft('a'.repeat(14_000), 16_384)).toBeNull();
    expect(bytesLeft('a'.repeat(15_000), 16_384)).toBe(1_384);
    expect(bytesLeft('a'.repeat(15_000), 65_536)).toBeNull();
    expect(bytesLeft('a'.repeat(220), 256)).toBeNull();
    expect(bytesLeft('a'.repeat(230), 256)).toBe(26);
  });

  test('is measured in bytes, and may be too long', () => {
    expect(bytesLeft('桌'.repeat(90), 256)).toBe(256 - 270);
    expect(bytesLeft('桌'.repeat(90), Infinity)).toBeNull();
  });

  test('is refused without a number that the settings may have changed', () => {
    for (const locale of ['en', 'zh-CN'] as const) {
      overwriteGetLocale(() => locale);
      expect(codeText('too_long')).not.toMatch(/[0-9]/u);
    }
  });
});

test('initials are two letters, or one Chinese character', () => {
  expect(['Lin Wei', '王小明', 'Tomáš', ' anna maria k ', '🙂 x'].map(initials)).toEqual([
    'LW',
    '王',
    'T',
    'AK',
    '🙂X',
  ]);
});

test('a name that nobody can see is none', () => {
  overwriteGetLocale(() => 'en');
  const shown = (name: string | null) => nameOf({ id: 7, customer: { name } } as Conversation);
  const unseen = [
    null,
    '',
    ' ',
    '\u200B\u200D',
    '\u3164',
    '\u202E\u2066',
    '\0',
    '\u0301\u0301',
    '\uFE0F',
    '\u2800',
  ];
  expect(new Set(unseen.map(shown))).toEqual(new Set(['Visitor 7']));
  const seen = ['Ada', '李', '-', '🙂', '\u202EAda', 'a\u0301'];
  expect(seen.map(shown)).toEqual(seen);
});

test('initials are letters that can be seen', () => {
  expect(['\u202EAda \u200B', '\u0301x', '\u200B \u3164', '👩‍🚀 b'].map(initials)).toEqual([
    'A',
    'X',
    '?',
    '👩B',
  ]);
});

test('a tone stays, and all tones are used', () => {
  expect(tone(4821)).toBe(tone(4821));
  expect(new Set(Array.from({ length: 100 }, (_, id) => tone(id))).size).toBe(8);
});

test('browsers are named by what they are, not by what they claim', () => {
  const mozilla = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(browserOf(`${mozilla} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`)).toBe('Edge 140, Windows');
  expect(browserOf(`${mozilla} Chrome/140.0.0.0 Safari/537.36`)).toBe('Chrome 140, Windows');
  expect(
    browserOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/18.1 Safari/605'),
  ).toBe('Safari 18, macOS');
  expect(browserOf('Python/3.13 websockets/15.0')).toBe('Python/3.13');
});

test('fuzzy matching prefers whole words to scattered letters', () => {
  expect(fuzzy('wei', 'Lin Wei')).toBeGreaterThan(fuzzy('wei', 'We eat in') ?? 0);
  expect(fuzzy('lw', 'Lin Wei')).not.toBeNull();
  expect(fuzzy('xy', 'Lin Wei')).toBeNull();
});

test('every message exists in both languages, with the same variables', () => {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../../messages/${name}.json`, import.meta.url), 'utf8')) as object;
  const variables = (value: unknown) =>
    [...new Set([...JSON.stringify(value).matchAll(/\{(\w+)\}/gu)].map((found) => found[1]))].sort();
  const [en, zh] = [Object.entries(read('en')), Object.entries(read('zh-CN'))];
  expect(zh.map(([key]) => key)).toEqual(en.map(([key]) => key));
  expect(zh.map(([key, value]) => [key, variables(value)])).toEqual(
    en.map(([key, value]) => [key, variables(value)]),
  );
});
