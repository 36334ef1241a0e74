import { expect, test } from 'vitest';

import { LIMITS, type Limits } from '$lib/protocol';

import { SETTINGS } from '../../testing/sample';
import { LIMIT_TEXTS, type LimitName, bounds, limitProblem, limitsProblem, scale, usual } from './limits';
import { size } from './size';

const names = Object.keys(LIMITS) as LimitName[];
const limits = (change: Partial<Limits> = {}): Limits => ({ ...SETTINGS.limits, ...change });

test('every limit has a name, and its default and both its bounds are fine', () => {
  expect(Object.keys(LIMIT_TEXTS).sort()).toEqual([...names].sort());
  expect(limitsProblem(limits())).toBeNull();
  const lone = (name: LimitName, value: number) => {
    // Beside others that leave room.
    const others = { message_bytes: 256, frame_bytes: 1_048_576, ping_seconds: 1, silence_seconds: 900 };
    return limitProblem(name, limits({ ...others, outbox_bytes: 16_777_216, [name]: value }));
  };
  for (const name of names) {
    const { least, most } = LIMITS[name];
    expect([name, lone(name, least), lone(name, most)]).toEqual([name, null, null]);
    for (const wrong of [least - 1, most + 1, least + 0.5, NaN]) {
      expect([name, wrong, lone(name, wrong)]).not.toEqual([name, wrong, null]);
    }
  }
});

test('limits that do not fit each other are refused as the desk does', () => {
  expect(limitsProblem(limits({ silence_seconds: 20 }))?.name).toBe('silence_seconds');
  expect(limitsProblem(limits({ message_bytes: 65_536 }))?.name).toBe('outbox_bytes');
  expect(limitsProblem(limits({ frame_bytes: 8_192 }))?.name).toBe('frame_bytes');
});

test('bytes are shown as KiB, with what is usual', () => {
  expect(scale('frame_bytes')).toBe(1024);
  expect(bounds('message_bytes')).toBe('0.25 to 64');
  expect(usual('bytes_per_second')).toBe('2,048 KiB a second');
  expect([usual('headers'), usual('ping_seconds')]).toEqual(['100', '20 seconds']);
});

test('sizes are as people read them', () => {
  expect([0, 90_112, 1_572_864, 3 * 1024 ** 3].map(size)).toEqual(['1 KiB', '88 KiB', '1.5 MiB', '3 GiB']);
});
