/** Sizes and times as people write them in configurations: `64mb`, `1.5gb`, `500ms`, `10s`. */

const BYTES_PER = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 } as const;
const MS_PER = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const SIZE_FORM = 'a number of bytes, or a number with b, kb, mb, gb or tb (64mb)';
export const TIME_FORM = 'a number with ms, s, m, h or d (500ms, 10s)';

/** Bytes of `64mb`, `1024` and their like; units are powers of 1024, `mib` for `mb` included. Undefined: not of that form. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?(b?)$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = '', prefix = '', b = ''] = match;
  if (prefix !== '' && b === '') return undefined;
  const unit = `${prefix}b`.toLowerCase() as keyof typeof BYTES_PER;
  const bytes = Number(digits) * BYTES_PER[unit];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Milliseconds of `500ms`, `10s` and their like; a bare number only when it is 0. Undefined: not of that form. */
export function parseMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = '', unit] = match;
  if (unit === undefined) return Number(digits) === 0 ? 0 : undefined;
  const ms = Number(digits) * MS_PER[unit.toLowerCase() as keyof typeof MS_PER];
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The shortest text that `parseBytes` reads as exactly `bytes`. */
export function formatBytes(bytes: number): string {
  return format(bytes, BYTES_PER);
}

/** The shortest text that `parseMs` reads as exactly `ms`. */
export function formatMs(ms: number): string {
  return format(ms, MS_PER);
}

/** The greatest unit that divides the amount. */
function format(amount: number, units: Readonly<Record<string, number>>): string {
  let text = '';
  for (const [unit, size] of Object.entries(units)) {
    if (size === 1 || (amount !== 0 && amount % size === 0)) text = `${amount / size}${unit}`;
  }
  return text;
}
