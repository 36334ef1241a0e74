import { describe, expect, test } from 'vitest';

import { overwriteGetLocale } from '$paraglide/runtime.js';

import { Refused, sentence } from './refused';

describe('a refusal', () => {
  const refused = new Refused({
    code: 'invalid_setting',
    message: 'From 1 to 100.',
    message_zh: '请填 1 到 100。',
    field: 'a',
  });

  test("is said in the console's language, also beside another field", () => {
    for (const [locale, said] of [
      ['en', 'From 1 to 100.'],
      ['zh-CN', '请填 1 到 100。'],
    ] as const) {
      overwriteGetLocale(() => locale);
      expect(sentence(refused)).toBe(said);
      expect(sentence(refused.of('b'))).toBe(said);
    }
    expect(refused.of('b').field).toBe('b');
  });

  test("is the desk's own where it has one, not the one of its code", () => {
    overwriteGetLocale(() => 'zh-CN');
    const locked = { code: 'timed_out', message: 'Unlock it.', message_zh: '请解锁。' } as const;
    expect(sentence(new Refused(locked))).toBe('请解锁。');
    overwriteGetLocale(() => 'en');
    expect(sentence(new Refused(locked))).toBe('Unlock it.');
    expect(sentence(new Refused({ code: 'timed_out', message: 'Late.' }))).not.toBe('Late.');
  });

  test('that the desk has in English only is said in Chinese by its code', () => {
    const refused = new Refused({ code: 'no_such_entry', message: 'This is not there any more.' });
    expect(sentence(refused)).toBe('This is not there any more.');
    overwriteGetLocale(() => 'zh-CN');
    expect(sentence(refused)).toBe('它已不存在，未作任何更改。');
  });
});
