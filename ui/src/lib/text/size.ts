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
