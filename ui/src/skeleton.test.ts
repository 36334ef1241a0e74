import { expect, test } from 'vitest';

import { m } from '$paraglide/messages.js';

test('messages are compiled in both languages', () => {
  expect(m.app_name({}, { locale: 'zh-CN' })).toBe('Deskbell');
});
