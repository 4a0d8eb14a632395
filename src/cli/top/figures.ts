const NONE = '-';
const decimals = ['', 'k', 'M', 'G', 'T'];
const binaries = ['B', 'K', 'M', 'G', 'T', 'P'];
const LEVELS = '▁▂▃▄▅▆▇█';

/** About three digits: 0, 0.25, 12.3, 999, 1.23k. */
export function amount(value: number | null): string {
  return value === null ? NONE : scaled(value, 1000, decimals);
}

export function bytes(value: number | null): string {
  return value === null ? NONE : scaled(Math.round(value), 1024, binaries);
}

/** All digits, in groups of three. */
export function whole(value: number | null): string {
  return value === null ? NONE : Math.round(value).toLocaleString('en-US');
}

/** A rate a second, in which tenths are the least that means anything. */
export function rate(value: number | null): string {
  return value === null ? NONE : `${amount(Math.round(value * 10) / 10)}/s`;
}

/** A share of 0 to 1. 100% is all, and 0% is none: what is near them is told with more digits. */
export function share(value: number | null): string {
  if (value === null) return NONE;
  const percent = value * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return '<0.01%';
  if (percent > 99.99) return '>99.99%';
  return `${percent >= 99.95 || percent < 9.995 ? percent.toFixed(2) : percent.toFixed(1)}%`;
}

/** A time in the unit that suits it: 12 µs, 1.50 ms, 12.3 s, 2 min 44 s, 3 h 20 min, 2 d 4 h. */
export function duration(ms: number | null): string {
  if (ms === null) return NONE;
  if (ms === 0) return '0';
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 120_000) return `${digits(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return inTwo(seconds, 60, 'min', 's');
  if (seconds < 86_400) return inTwo(Math.round(seconds / 60), 60, 'h', 'min');
  return inTwo(Math.round(seconds / 3600), 24, 'd', 'h');
}

/** The time of day here, to the second. */
export function timeOfDay(atMs: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return NONE;
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** How long ago, to the second. */
export function ago(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - atMs) / 1000));
  return seconds < 2 ? 'now' : `${duration(seconds * 1000)} ago`;
}

/** A bar of so many columns; `part`: from 0 to 1. */
export function bar(part: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * columns);
  return '#'.repeat(full) + '.'.repeat(columns - full);
}

/** The last values as a line of blocks, a column each, from 0 to the greatest of them. */
export function sparkline(values: readonly number[], columns: number): string {
  const last = columns <= 0 ? [] : values.slice(-columns);
  const most = Math.max(0, ...last);
  const top = LEVELS.length - 1;
  return last.map((value) => LEVELS[most === 0 ? 0 : Math.ceil((Math.max(0, value) / most) * top)] ?? '').join('');
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let left = Math.abs(value);
  let at = 0;
  // 999.6 would be written as 1000.
  while (left >= base - 0.5 && at < units.length - 1) {
    left /= base;
    at++;
  }
  return `${value < 0 ? '-' : ''}${digits(left)}${units[at] ?? ''}`;
}

/** `value` is not negative. */
function digits(value: number): string {
  if (value === 0) return '0';
  if (value >= 99.95) return String(Math.round(value));
  if (value >= 9.995) return value.toFixed(1).replace(/\.0$/, '');
  if (value >= 0.01) return value.toFixed(2).replace(/\.?0+$/, '');
  return value.toPrecision(1);
}

function inTwo(count: number, base: number, large: string, small: string): string {
  const rest = count % base;
  return `${Math.floor(count / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}
