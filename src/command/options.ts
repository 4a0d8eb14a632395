import type { Args } from './args.ts';
import { decodeInt64, decodeRoughInteger, decodeSmallInteger, int64Max } from './decimal.ts';
import type { ReplyWriter } from './reply.ts';

/** Errors that many commands share, with Redis's texts. */
export const notAnInteger = 'value is not an integer or out of range';
export const notAFloat = 'value is not a valid float';

/** Latest time an entry keeps as its expiry: 48 bits of milliseconds, in the year 10889. Later ones become this. */
export const expiresAtMsMax = 2 ** 48 - 1;

/** Whether argument `index` is the word, which is given in upper case, in any case. */
export function isWord(args: Args, index: number, word: string): boolean {
  const start = args.start(index);
  if (args.end(index) - start !== word.length) return false;
  for (let at = 0; at < word.length; at++) {
    const byte = args.bytes[start + at] as number;
    const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    if (upper !== word.charCodeAt(at)) return false;
  }
  return true;
}

export function syntaxError(reply: ReplyWriter): void {
  reply.error('syntax', 'syntax error');
}

/** The argument as an integer; NaN, with the error written, when it is none. Exact to 2^53, rounded beyond. */
export function integerArg(args: Args, index: number, reply: ReplyWriter): number {
  const value = decodeRoughInteger(args.bytes, args.start(index), args.end(index));
  if (Number.isNaN(value)) reply.error('invalid-argument', notAnInteger);
  return value;
}

/** How an expiry is given: in seconds or milliseconds, from now or from the epoch. */
export interface ExpiryForm {
  readonly seconds: boolean;
  readonly absolute: boolean;
}

export const expiryForms = {
  EX: { seconds: true, absolute: false },
  PX: { seconds: false, absolute: false },
  EXAT: { seconds: true, absolute: true },
  PXAT: { seconds: false, absolute: true },
} as const satisfies Record<string, ExpiryForm>;

/** The form an option names (EX, PX, EXAT, PXAT), or null when it names none. */
export function expiryFormOf(args: Args, index: number): ExpiryForm | null {
  if (isWord(args, index, 'EX')) return expiryForms.EX;
  if (isWord(args, index, 'PX')) return expiryForms.PX;
  if (isWord(args, index, 'EXAT')) return expiryForms.EXAT;
  if (isWord(args, index, 'PXAT')) return expiryForms.PXAT;
  return null;
}

/**
 * The time argument `index` stands for, in milliseconds since the epoch: not positive for a time before it. NaN, with
 * the error written, when it is no integer or overflows as Redis counts. `positive`: zero and less are errors, too.
 */
export function expiryArg(
  args: Args,
  index: number,
  form: ExpiryForm,
  nowMs: number,
  positive: boolean,
  command: string,
  reply: ReplyWriter,
): number {
  const start = args.start(index);
  const end = args.end(index);
  const base = form.absolute ? 0 : nowMs;
  const factor = form.seconds ? 1000 : 1;
  const small = decodeSmallInteger(args.bytes, start, end);
  // Twelve digits of seconds cannot overflow anything here, so that almost all calls need no BigInt.
  if (Math.abs(small) < 1e12) {
    if (positive && small <= 0) return invalidExpiry(command, reply);
    return Math.min(small * factor + base, expiresAtMsMax);
  }
  const exact = decodeInt64(args.bytes, start, end);
  if (exact === null) {
    reply.error('invalid-argument', notAnInteger);
    return Number.NaN;
  }
  const limit = int64Max / BigInt(factor);
  if (exact > limit || (form.seconds && exact < -limit) || (positive && exact <= 0n))
    return invalidExpiry(command, reply);
  const atMs = exact * BigInt(factor);
  if (atMs > int64Max - BigInt(base)) return invalidExpiry(command, reply);
  return Math.min(Number(atMs) + base, expiresAtMsMax);
}

function invalidExpiry(command: string, reply: ReplyWriter): number {
  reply.error('invalid-argument', `invalid expire time in '${command}' command`);
  return Number.NaN;
}
