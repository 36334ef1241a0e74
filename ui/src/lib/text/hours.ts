import type { BusinessHours, Span, Timestamp } from '$lib/protocol';

const DAY = 1_440;
const SHORT_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** `09:00`; the end of a day is `24:00`. */
export function minutesText(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The minutes of `9`, `900`, `9:00`, `9.30`, `5pm` or `24:00`; `null` when it is no time of day. */
export function minutesOf(text: string): number | null {
  const found = /^(\d{1,2})(?:[:.：]?(\d{2}))?\s*(am|pm)?$/iu.exec(text.trim());
  if (!found) return null;
  const [hour, minute] = [Number(found[1]), Number(found[2] ?? 0)];
  const half = found[3]?.toLowerCase();
  if (half && (hour < 1 || hour > 12)) return null;
  const minutes = (half ? (hour % 12) + (half === 'pm' ? 12 : 0) : hour) * 60 + minute;
  return minute > 59 || minutes > DAY ? null : minutes;
}

/** What is wrong with the spans of a day: an end before its beginning, or two that overlap or stand out of order. */
export function spansProblem(spans: Span[]): 'empty' | 'overlap' | null {
  for (const [index, { from, to }] of spans.entries()) {
    if (from >= to) return 'empty';
    const before = spans[index - 1];
    if (before && from < before.to) return 'overlap';
  }
  return null;
}

/** Every time zone this system knows, the common names of UTC included. */
export function timeZones(): string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])].sort();
}

/** The time of day in a zone, such as `Mon 14:05`, and how many minutes of that day are over; `null` for no zone. */
export function timeIn(zone: string, at: Timestamp): { day: number; minutes: number } | null {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(at);
    const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
    const day = SHORT_DAYS.indexOf(part('weekday'));
    return { day, minutes: Number(part('hour')) * 60 + Number(part('minute')) };
  } catch {
    return null;
  }
}

/** Whether the desk is staffed; `null` when the zone is not known. */
export function isOpen(hours: BusinessHours, at: Timestamp): boolean | null {
  const time = timeIn(hours.time_zone, at);
  if (!time) return null;
  return (hours.days[time.day] ?? []).some((span) => span.from <= time.minutes && time.minutes < span.to);
}

/** Monday to Friday, nine to five, in this system's zone. */
export function usualHours(): BusinessHours {
  const workday = (): Span[] => [{ from: 9 * 60, to: 17 * 60 }];
  return {
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    days: [workday(), workday(), workday(), workday(), workday(), [], []],
  };
}
