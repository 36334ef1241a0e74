import { describe, expect, test } from 'vitest';

import { isOpen, minutesOf, minutesText, spansProblem, timeZones } from './hours';
import { fitting, includesLine, repeated, written } from './lines';

describe('times of day', () => {
  test('are read as people write them', () => {
    const texts = ['9', '09:00', '9.30', '9：30', '1730', '5pm', '12am', '12 PM', '24:00', '0'];
    expect(texts.map(minutesOf)).toEqual([540, 540, 570, 570, 1_050, 1_020, 0, 720, 1_440, 0]);
    expect(['', '25', '9:61', '24:01', 'noon', '13pm', '9:5'].map(minutesOf)).toEqual(
      Array.from({ length: 7 }, () => null),
    );
    expect([0, 570, 1_440].map(minutesText)).toEqual(['00:00', '09:30', '24:00']);
  });

  test('spans of a day end after they begin, and follow one another', () => {
    expect(spansProblem([{ from: 540, to: 540 }])).toBe('empty');
    expect(
      spansProblem([
        { from: 540, to: 720 },
        { from: 700, to: 800 },
      ]),
    ).toBe('overlap');
    expect(
      spansProblem([
        { from: 540, to: 720 },
        { from: 720, to: 1_440 },
      ]),
    ).toBeNull();
  });
});

describe('business hours', () => {
  const workday = [{ from: 540, to: 1_020 }];
  const hours = (time_zone: string) => ({
    time_zone,
    days: [workday, workday, workday, workday, workday, [], []],
  });
  /** A Monday, 08:30 UTC. */
  const at = Date.UTC(2026, 10, 23, 8, 30);

  test('are those of the desk’s own zone', () => {
    expect(isOpen(hours('UTC'), at)).toBe(false);
    expect(isOpen(hours('Asia/Shanghai'), at)).toBe(true);
    expect(isOpen(hours('Europe/Berlin'), at)).toBe(true);
    expect(isOpen(hours('America/New_York'), at)).toBe(false);
    expect(isOpen(hours('Mars/Olympus'), at)).toBeNull();
  });

  test('a minute before the end is in, the end is not; Sunday is the last day', () => {
    const end = Date.UTC(2026, 10, 23, 17, 0);
    expect([end - 60_000, end].map((time) => isOpen(hours('UTC'), time))).toEqual([true, false]);
    expect(isOpen(hours('UTC'), Date.UTC(2026, 10, 22, 12))).toBe(false);
  });

  test('offer every zone, and UTC', () => {
    expect(timeZones()).toEqual(expect.arrayContaining(['UTC', 'Asia/Shanghai', 'America/New_York']));
  });
});

describe('lines', () => {
  test('are the same whatever their case, width and signs around them', () => {
    expect([...repeated(['Hello!', 'bye', 'ＨＥＬＬＯ', '你好。', '你好', '', ''])]).toEqual([2, 4]);
    expect(includesLine(['Where is my order?'], ' where is my  order ')).toBe(true);
  });

  test('that say nothing are left out, and the others keep their places', () => {
    expect(written(['', ' a ', 'A!', 'b'])).toEqual({ lines: ['a', 'b'], places: [1, 3] });
  });

  test('are cut at a character, never within', () => {
    expect(fitting('你好', 5)).toBe('你');
    expect(fitting('hello', 5)).toBe('hello');
  });
});
