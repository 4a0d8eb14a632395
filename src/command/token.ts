import type { Args } from './args.ts';
import type { ReplyWriter } from './reply.ts';

/** A fill token is a whole number from 1 to 2^48 - 1, told as so many hexadecimal digits. */
const tokenDigits = 12;

/** The token that argument `index` tells; 0, with the error written, when it is none. */
export function decodeToken(args: Args, index: number, reply: ReplyWriter): number {
  const start = args.start(index);
  let token = args.byteLength(index) === tokenDigits ? 0 : Number.NaN;
  for (let at = start; at < start + tokenDigits && !Number.isNaN(token); at++) {
    token = token * 16 + digitOf(args.bytes[at] as number);
  }
  if (token > 0) return token;
  reply.error('invalid-argument', `a fill token is ${tokenDigits} hexadecimal digits`);
  return 0;
}

export function tokenText(token: number): string {
  return token.toString(16).padStart(tokenDigits, '0');
}

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}
