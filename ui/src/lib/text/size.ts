import { getLocale } from '$paraglide/runtime.js';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A file's size as people read it: `12 KiB`, `3.4 MiB`. */
export function size(bytes: number): string {
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const number = new Intl.NumberFormat(getLocale(), { maximumFractionDigits: digits });
  return `${number.format(unit === 0 ? Math.max(1, value) : value)} ${UNITS[unit] ?? ''}`;
}

/** Near its end a limit is worth telling: from the last eighth on, and at most from these bytes on. */
const TELL_FROM = 2 * 1024;

/** How many bytes a text may still grow, less than nothing when it is too long; `null` while that is of no interest. */
export function bytesLeft(text: string, limit: number): number | null {
  const from = limit - Math.min(TELL_FROM, limit / 8);
  // Counting bytes costs; a text this short cannot be near the limit.
  if (text.length * 3 < from) return null;
  const bytes = new TextEncoder().encode(text).length;
  return bytes < from ? null : limit - bytes;
}
