import { beforeEach, describe, expect, test } from 'vitest';

import type { SourceKind, SystemLine } from '$lib/protocol';
import { overwriteGetLocale } from '$paraglide/runtime.js';

import { fittingLabels } from './labels';
import { sourceKindLabel, sourceLabel } from './source';
import { reasonText, systemQuote, systemText } from './system';
import { duration } from './time';

const KINDS: SourceKind[] = [
  'greeting',
  'fallback',
  'rule',
  'answer',
  'model',
  'webhook',
  'away',
  'person_called',
];
const LINES: SystemLine[] = [
  { kind: 'returned', after_seconds: 300 },
  { kind: 'returned' },
  { kind: 'corrected', by: 'Mia', seq: 3, before: 'In 3 days.' },
  { kind: 'retracted', by: 'Mia', seq: 3 },
  { kind: 'stopped_writing', by: 'Mia' },
  { kind: 'responder_failed', source: 'model', message: 'It did not answer within 20 s.' },
];

describe.each(['en', 'zh-CN'] as const)('in %s', (language) => {
  beforeEach(() => overwriteGetLocale(() => language));

  test('every kind of source has a name of its own', () => {
    const names = KINDS.map(sourceKindLabel);
    expect(new Set(names).size).toBe(KINDS.length);
    expect(names.every((name) => name.length > 1)).toBe(true);
  });

  test('every line says something different, and none is empty', () => {
    const texts = LINES.map(systemText);
    expect(new Set(texts).size).toBe(LINES.length);
    expect(texts.every((text) => text.trim() !== '' && !/undefined|\{/u.test(text))).toBe(true);
  });

  test('every reason to call a person is worded', () => {
    const reasons = [
      'customer_asked',
      'no_answer',
      'responder_failed',
      'rule',
      'bot',
      'away',
      'unanswered',
    ] as const;
    expect(new Set(reasons.map(reasonText)).size).toBe(reasons.length);
  });
});

test('a source names its answer, its score and who edited it', () => {
  overwriteGetLocale(() => 'en');
  expect(
    sourceLabel({ kind: 'answer', id: 4, name: 'Delivery times', score: 0.8231, edited_by: 'Mia' }),
  ).toBe('Answer · Delivery times · match 0.82 · edited by Mia');
  expect(sourceLabel({ kind: 'fallback' })).toBe('Default reply');
});

test('a correction quotes what stood there before; a retraction keeps it on the message', () => {
  expect(LINES.map(systemQuote).filter(Boolean)).toEqual(['In 3 days.']);
});

test('a held reply that was stopped is quoted by what stopped it', () => {
  expect(systemQuote({ kind: 'took_over', by: 'Mia', stopped: 'Sure.' })).toBe('Sure.');
  expect(systemQuote({ kind: 'resolved', by: 'Mia', stopped: 'Sure.' })).toBe('Sure.');
});

test('whole minutes are minutes, the rest are seconds', () => {
  overwriteGetLocale(() => 'en');
  expect([0, 40, 60, 90, 300].map(duration)).toEqual(['0 s', '40 s', '1 min', '90 s', '5 min']);
});

describe('labels to choose', () => {
  const known = ['refund', 'invoice', 'Delivery', '发票'];
  const offered = (typed: string, there: string[] = []) =>
    fittingLabels(known, there, typed).map((offer) => (offer.known ? offer.label : `+${offer.label}`));

  test('begin with those that begin like it, then those that contain it, then itself as new', () => {
    expect(offered('in')).toEqual(['invoice', '+in']);
    expect(offered('e')).toEqual(['Delivery', 'invoice', 'refund', '+e']);
    expect(offered('发')).toEqual(['发票', '+发']);
  });

  test('never offer what is there already, in whatever case', () => {
    expect(offered('', ['REFUND'])).not.toContain('refund');
    expect(offered('delivery', ['Delivery'])).toEqual([]);
    expect(offered(' invoice ')).toEqual(['invoice']);
    expect(offered('   ')).toHaveLength(4);
  });
});
