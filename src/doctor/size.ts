/** Sizes for people. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** `512 MB`, `1.5 GB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${String(Math.round(value * 10) / 10)} ${UNITS[unit] ?? ''}`;
}
