import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import type { Args } from '../command/args.ts';

/**
 * A command on its way to a shard:
 *
 *     row id · number of arguments · length of each argument · the arguments' bytes, one after the other
 *
 * Numbers are unsigned LEB128, so that a usual command carries one byte a number. A reply needs no form of its own:
 * what a `ReplyWriter` holds travels as it is. Both ends are threads of one process, so a message that does not decode
 * is a defect and not bad input.
 */

/** Bytes of the longest number there is: 32 bits, seven a byte. */
const NUMBER_BYTES_MAX = 5;

/** At least the bytes that `encodeCommand` will write. */
export function commandBytesMax(args: Args): number {
  const count = args.count;
  let total = NUMBER_BYTES_MAX * (2 + count);
  for (let index = 0; index < count; index++) total += args.byteLength(index);
  return total;
}

/** Writes the command at `target[at..)` and returns the bytes taken. */
export function encodeCommand(rowId: number, args: Args, target: Uint8Array, at: number): number {
  const count = args.count;
  let to = encodeNumber(rowId, target, at);
  to = encodeNumber(count, target, to);
  for (let index = 0; index < count; index++) to = encodeNumber(args.byteLength(index), target, to);
  const source = args.bytes;
  for (let index = 0; index < count; index++) {
    const length = args.byteLength(index);
    copyBytes(source, args.start(index), target, to, length);
    to += length;
  }
  return to - at;
}

/**
 * Fills `args` with ranges of the message `source[start..start + length)`, which nothing is copied from, and returns
 * the row's id.
 */
export function decodeCommand(source: Uint8Array, start: number, length: number, args: Args): number {
  const end = start + length;
  args.clear(source);
  numberEnd = start;
  const rowId = decodeNumber(source);
  const count = decodeNumber(source);
  // The lengths are read twice: where the bytes begin is known only after the last of them.
  const lengthsAt = numberEnd;
  for (let index = 0; index < count; index++) decodeNumber(source);
  let from = numberEnd;
  numberEnd = lengthsAt;
  for (let index = 0; index < count; index++) {
    const to = from + decodeNumber(source);
    args.push(from, to);
    from = to;
  }
  assert(from === end, 'a command fills its message');
  return rowId;
}

/** Where the number last decoded ends: a second result that costs no object. */
let numberEnd = 0;

function encodeNumber(value: number, target: Uint8Array, at: number): number {
  let rest = value;
  let to = at;
  while (rest > 0x7f) {
    target[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;
  return to;
}

function decodeNumber(source: Uint8Array): number {
  let byte = source[numberEnd++] as number;
  if (byte <= 0x7f) return byte;
  let value = byte & 0x7f;
  let shift = 7;
  do {
    byte = source[numberEnd++] as number;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte > 0x7f);
  return value >>> 0;
}
