import { expect, test } from 'vitest';

import { secretIn, takeSecret } from './secret';

function page(hash: string, stored: Record<string, string> = {}) {
  const shown: string[] = [];
  return {
    shown,
    stored,
    location: { hash, pathname: '/console/', search: '' },
    history: { replaceState: (_data: unknown, _unused: string, url: string) => void shown.push(url) },
    storage: {
      getItem: (key: string) => stored[key] ?? null,
      setItem: (key: string, value: string) => void (stored[key] = value),
      removeItem: (key: string) => void Reflect.deleteProperty(stored, key),
    },
  };
}

test('the secret is taken out of the address bar and kept', () => {
  const opened = page('#secret=abc');
  expect(takeSecret(opened)).toBe('abc');
  expect(opened.shown).toEqual(['/console/']);
  expect(takeSecret(page('', opened.stored))).toBe('abc');
});

test('a whole link or the bare secret will do', () => {
  expect(secretIn('http://127.0.0.1:8080/console/#secret=a-B_9')).toBe('a-B_9');
  expect(secretIn(' a-B_9 ')).toBe('a-B_9');
  expect(secretIn('http://127.0.0.1:8080/console/#')).toBeNull();
  expect(secretIn('')).toBeNull();
});
