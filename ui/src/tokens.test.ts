import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

function tokens(block: string): Record<string, string> {
  return Object.fromEntries([...block.matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]]));
}

const [light = '', dark = ''] = css.split(":root[data-theme='dark']");
const THEMES = { light: tokens(light), dark: tokens(dark) };

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** WCAG 2.2's contrast ratio. */
function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const surfaces = ['bg', 'pane', 'card', 'selected', 'hover', 'bubble'];
const softs = ['human-soft', 'automatic-soft', 'held-soft', 'needs-soft'];
/** Text and what it stands on. */
const TEXT: [string, string[]][] = [
  ['ink-1', [...surfaces, ...softs]],
  ['ink-2', [...surfaces, ...softs]],
  ['ink-3', [...surfaces, ...softs]],
  ['human', ['bg', 'pane', 'card', 'human-soft']],
  ['automatic', ['bg', 'pane', 'card', 'selected', 'automatic-soft']],
  ['held', ['bg', 'pane', 'card', 'selected', 'held-soft']],
  ['needs', ['bg', 'pane', 'card', 'selected', 'needs-soft']],
  // A word of an event, on the row that is pointed at, too.
  ['online-ink', ['bg', 'pane', 'card', 'hover']],
  ['human', ['hover']],
  ['automatic', ['hover']],
  ['needs', ['hover']],
  ['on-human', ['human', 'human-strong']],
  ['on-needs', ['needs']],
  ...Array.from({ length: 8 }, (_, n): [string, string[]] => [`avatar-ink-${n}`, [`avatar-${n}`]]),
];
/** Marks that mean something, and what they stand on: 3 to 1. */
const MARKS: [string, string[]][] = [
  ['human', surfaces],
  ['online', ['pane', 'card']],
  ['offline', ['pane', 'card']],
  ['line-strong', ['card', 'pane']],
  // The frame of the composer that has the focus.
  ['held', ['held-soft']],
  // The ring of what has the focus, in menus too.
  ['human', ['hover', 'selected', 'human-soft', 'held-soft']],
];

describe.each(Object.entries(THEMES))('the %s theme passes AA', (_, theme) => {
  const pairs = (list: [string, string[]][]) =>
    list.flatMap(([ink, on]) => on.map((ground) => [ink, ground]));

  test.each(pairs(TEXT))('text: %s on %s', (ink = '', ground = '') => {
    expect(contrast(theme[ink] ?? '', theme[ground] ?? '')).toBeGreaterThanOrEqual(4.5);
  });

  test.each(pairs(MARKS))('marks: %s on %s', (ink = '', ground = '') => {
    expect(contrast(theme[ink] ?? '', theme[ground] ?? '')).toBeGreaterThanOrEqual(3);
  });
});

const components = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.svelte'))
  .map((name) => ({ name, text: readFileSync(new URL(name, import.meta.url), 'utf8') }));

test('the colour of the mark that someone is there colours marks, never words', () => {
  const lines = components.flatMap(({ text }) => text.split('\n'));
  const coloured = lines.filter((line) => /\btext-online(?!-)/u.test(line));
  expect(coloured.length).toBeGreaterThan(0);
  expect(coloured.filter((line) => !/<[A-Z]\w+ /u.test(line))).toEqual([]);
});

test('keys in buttons are as plain to read as the buttons', () => {
  const keys = components.find(({ name }) => name.endsWith('/Keys.svelte'))?.text;
  expect(keys).toBeDefined();
  expect(keys).not.toContain('opacity');
});

test('both themes name the same colours', () => {
  expect(Object.keys(THEMES.dark)).toEqual(Object.keys(THEMES.light));
});
