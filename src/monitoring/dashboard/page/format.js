const NONE = '–';
const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
const whole = new Intl.NumberFormat('en');

/**
 * A figure of about three digits: 0, 0.25, 1.5, 12, 999, 1.23k, 45.6M.
 *
 * @param {number | null | undefined} value
 */
export function formatNumber(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return scaled(value, 1000, DECIMAL, '');
}

/**
 * All digits, in groups: 1,234,567.
 *
 * @param {number | null | undefined} value
 */
export function formatWhole(value) {
  return value === null || value === undefined ? NONE : whole.format(value);
}

/**
 * 0 B, 512 B, 1.5 KiB, 12.3 MiB.
 *
 * @param {number | null | undefined} bytes
 */
export function formatBytes(bytes) {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return NONE;
  return scaled(bytes, 1024, BINARY, ' ');
}

/**
 * A duration in the units that suit it: 12 µs, 1.5 ms, 12 s, 2 min 44 s, 3 h 20 min, 2 d 4 h.
 *
 * @param {number | null | undefined} ms
 */
export function formatDuration(ms) {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NONE;
  if (ms === 0) return '0';
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 120_000) return `${digits(ms / 1000)} s`;
  if (ms < 3_600_000 - 500) return inTwo(Math.round(ms / 1000), 60, 'min', 's');
  if (ms < 86_400_000 - 30_000) return inTwo(Math.round(ms / 60_000), 60, 'h', 'min');
  return inTwo(Math.round(ms / 3_600_000), 24, 'd', 'h');
}

/**
 * What is left of a time, in whole seconds: it is not over before it is.
 *
 * @param {number} ms
 */
export function formatLeft(ms) {
  return formatDuration(Math.ceil(ms / 1000) * 1000);
}

/**
 * A rate a second, in which tenths are the least that means anything.
 *
 * @param {number | null | undefined} rate
 */
export function formatRate(rate) {
  return formatNumber(rate === null || rate === undefined ? rate : Math.round(rate * 10) / 10);
}

/**
 * Processors in use: 3% of a core, 1.5 cores.
 *
 * @param {number} processors
 */
export function formatCores(processors) {
  if (processors < 0.995) return `${Math.round(processors * 100)}% of a core`;
  return `${digits(processors)} cores`;
}

/**
 * A share of 0 to 1 as 0.0 % to 100 %.
 *
 * @param {number | null | undefined} share
 */
export function formatShare(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent < 0.01) return '<0.01%';
  if (percent >= 99.95) return percent > 99.99 ? '>99.99%' : `${percent.toFixed(2)}%`;
  return `${percent < 10 ? percent.toFixed(2) : percent.toFixed(1)}%`;
}

/**
 * The time of day of a moment.
 *
 * @param {number} atMs
 */
export function formatTime(atMs) {
  return clock.format(atMs);
}

/**
 * The time of day with milliseconds.
 *
 * @param {number} atMs
 */
export function formatTimeMs(atMs) {
  return `${clock.format(atMs)}.${String(Math.floor(atMs) % 1000).padStart(3, '0')}`;
}

/**
 * Day and time of a moment.
 *
 * @param {number} atMs
 */
export function formatMoment(atMs) {
  return day.format(atMs);
}

/**
 * The time of day of a moment of today, of others with the day.
 *
 * @param {number} atMs
 * @param {number} [nowMs]
 */
export function formatWhen(atMs, nowMs = Date.now()) {
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString();
  return isToday ? formatTime(atMs) : formatMoment(atMs);
}

/**
 * How long ago a moment was.
 *
 * @param {number} atMs
 * @param {number} [nowMs]
 */
export function formatAgo(atMs, nowMs = Date.now()) {
  const ms = nowMs - atMs;
  return ms < 1500 ? 'now' : `${formatDuration(ms < 1000 ? ms : Math.round(ms / 1000) * 1000)} ago`;
}

/**
 * @param {number} count of the smaller unit
 * @param {number} base
 * @param {string} large
 * @param {string} small
 */
function inTwo(count, base, large, small) {
  const rest = count % base;
  return `${Math.floor(count / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/**
 * @param {number} value
 * @param {number} base
 * @param {readonly string[]} units
 * @param {string} space before the unit
 */
function scaled(value, base, units, space) {
  let at = 0;
  let left = Math.abs(value);
  // 999.6 would be written as 1000.
  while (left >= base - base / 2000 && at < units.length - 1) {
    left /= base;
    at++;
  }
  const unit = units[at] ?? '';
  return `${value < 0 ? '-' : ''}${at === 0 && space !== '' ? Math.round(left) : digits(left)}${unit === '' ? '' : space}${unit}`;
}

/** @param {number} value not negative */
function digits(value) {
  if (value === 0) return '0';
  if (value >= 99.95) return String(Math.round(value));
  if (value >= 9.995) return trimmed(value.toFixed(1));
  if (value >= 0.01) return trimmed(value.toFixed(2));
  return value.toPrecision(1);
}

/** @param {string} text */
function trimmed(text) {
  return text.replace(/\.?0+$/, '');
}

/**
 * A reason as a sentence of its own.
 *
 * @param {string} text
 */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
