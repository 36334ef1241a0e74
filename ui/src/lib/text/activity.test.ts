import { beforeEach, expect, test } from 'vitest';

import type { ActivityKind } from '$lib/protocol';
import { overwriteGetLocale } from '$paraglide/runtime.js';

import { event } from '../../testing/sample';
import { type ActivityGroup, fits } from './activity';

const opened = event(1, { kind: { kind: 'opened', protocol: 'plain' } });
const said = event(2, { kind: { kind: 'received', seq: 4, preview: 'Where is my Walnut desk?' } });
const refused = event(3, {
  kind: {
    kind: 'refused',
    refusal: { code: 'origin_refused', message: 'This site is not allowed.' },
    origin: 'https://evil.example',
  } as ActivityKind,
  address: null,
  conversation: null,
});
const all = [opened, said, refused];

const shown = (group: ActivityGroup, text = '') =>
  all.filter((one) => fits(one, group, text)).map(({ serial }) => serial);

beforeEach(() => overwriteGetLocale(() => 'en'));

test('each event belongs to one group, and to all', () => {
  expect(shown('all')).toEqual([1, 2, 3]);
  expect(shown('connections')).toEqual([1]);
  expect(shown('messages')).toEqual([2]);
  expect(shown('problems')).toEqual([3]);
});

test('a text is looked for in what is shown of an event, whatever its case', () => {
  expect(shown('all', 'walnut DESK')).toEqual([2]);
  expect(shown('all', '#4')).toEqual([2]);
  expect(shown('all', '203.0.113')).toEqual([1, 2]);
  expect(shown('all', 'plain text')).toEqual([1]);
  expect(shown('all', 'not allowed')).toEqual([3]);
  expect(shown('all', 'nowhere')).toEqual([]);
});

test('both must fit, and the words are those of the language', () => {
  expect(shown('connections', 'walnut')).toEqual([]);
  overwriteGetLocale(() => 'zh-CN');
  expect(shown('all', '收到消息')).toEqual([2]);
  expect(shown('all', 'received')).toEqual([]);
});
