import type { Language, Timestamp } from '$lib/protocol';
import { m } from '$paraglide/messages.js';
import { getLocale } from '$paraglide/runtime.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const name = `${language} ${key}`;
  const known = formats.get(name) ?? new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, options);
  formats.set(name, known);
  return known;
}

/** `14:06`. */
export function clockTime(at: Timestamp): string {
  return format(getLocale(), 'clock', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
}

/** `14:06:31.042`, for the activity view. */
export function exactTime(at: Timestamp): string {
  const seconds = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  return `${format(getLocale(), 'exact', seconds).format(at)}.${String(at % 1000).padStart(3, '0')}`;
}

/** `12 Sep 2026`. */
export function date(at: Timestamp): string {
  return format(getLocale(), 'date', { day: 'numeric', month: 'short', year: 'numeric' }).format(at);
}

/** `12 Sep 2026, 14:06`. */
export function dateTime(at: Timestamp): string {
  return `${date(at)} ${clockTime(at)}`;
}

/** A day's name for a separator: today, yesterday or the date. */
export function day(at: Timestamp, now: Timestamp): string {
  const days = Math.round((startOfDay(now) - startOfDay(at)) / DAY);
  if (days === 0) return m.day_today();
  if (days === 1) return m.day_yesterday();
  const weekday = { weekday: 'long', day: 'numeric', month: 'long' } as const;
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear ? format(getLocale(), 'day', weekday).format(at) : date(at);
}

export function startOfDay(at: Timestamp): Timestamp {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** `now`, `2 min`, `3 h`, then the day. */
export function ago(at: Timestamp, now: Timestamp): string {
  const past = now - at;
  if (past < MINUTE) return m.ago_now();
  if (past < HOUR) return m.ago_minutes({ count: Math.floor(past / MINUTE) });
  if (past < DAY) return m.ago_hours({ count: Math.floor(past / HOUR) });
  if (past < 2 * DAY) return m.day_yesterday();
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return sameYear ? format(getLocale(), 'ago', { day: 'numeric', month: 'short' }).format(at) : date(at);
}

/** The largest unit that fits a length of time, and how many of it. */
function largest(milliseconds: number): [number, 'minute' | 'hour' | 'day'] {
  if (milliseconds < HOUR) return [Math.floor(milliseconds / MINUTE), 'minute'];
  return milliseconds < DAY
    ? [Math.floor(milliseconds / HOUR), 'hour']
    : [Math.floor(milliseconds / DAY), 'day'];
}

/** How long ago in words: `now`, `3 hours ago`, `yesterday`. */
export function since(at: Timestamp, now: Timestamp): string {
  const [count, unit] = largest(Math.max(0, now - at));
  const words = new Intl.RelativeTimeFormat(getLocale(), { numeric: 'auto' });
  return count === 0 ? words.format(0, 'second') : words.format(-count, unit);
}

/** A length of time in words: `1 minute` at least, `3 hours`, `2 days`. */
export function span(milliseconds: number): string {
  const [count, unit] = largest(milliseconds);
  const style = { style: 'unit', unit, unitDisplay: 'long' } as const;
  return new Intl.NumberFormat(getLocale(), style).format(Math.max(1, count));
}

/** A length of time: `40 s`, or `5 min` where it is whole minutes. */
export function duration(seconds: number): string {
  const minutes = seconds / 60;
  return Number.isInteger(minutes) && minutes > 0
    ? m.minutes({ count: minutes })
    : m.seconds({ count: seconds });
}

/** What is left of a wait: `9 s`, from 90 s on `9:56`. Rounded up, so that it ends with the wait. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  if (seconds < 90) return m.seconds({ count: seconds });
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** The name of a day of the week, 0 is Monday. */
export function weekday(number: number): string {
  // 1 January 2024 was a Monday.
  return format(getLocale(), 'weekday', { weekday: 'long', timeZone: 'UTC' }).format(
    Date.UTC(2024, 0, 1 + number),
  );
}
