import { numberAt } from '../../base/msgpack-wire.ts';
import { int64Max } from '../../command/decimal.ts';
import type { ArgsBuilder } from '../http/args-builder.ts';
import { type RpcRefusal, refuse } from './refusal.ts';

const notFinite = refuse('invalid-argument', 'NaN and infinities are no numbers here');
const tooLarge = refuse('invalid-argument', 'an integer is beyond a signed 64-bit integer');

/** Appends the decimal text of the number at `at`, canonical as a stored number's is; why it has none, or null. */
export function appendNumber(bytes: Uint8Array, at: number, builder: ArgsBuilder): RpcRefusal | null {
  const value = numberAt(bytes, at);
  if (typeof value === 'bigint') {
    if (value > int64Max) return tooLarge;
  } else if (!Number.isFinite(value)) return notFinite;
  appendAscii(String(value), builder);
  return null;
}

/** As `appendNumber`, of a number in a document, which may be any of MessagePack's integers. */
export function appendJsonNumber(bytes: Uint8Array, at: number, builder: ArgsBuilder): RpcRefusal | null {
  const value = numberAt(bytes, at);
  if (typeof value === 'number' && !Number.isFinite(value)) return notFinite;
  appendAscii(String(value), builder);
  return null;
}

export function appendAscii(text: string, builder: ArgsBuilder): void {
  builder.reserve(text.length);
  const { bytes, length } = builder;
  for (let index = 0; index < text.length; index++) bytes[length + index] = text.charCodeAt(index);
  builder.length = length + text.length;
}
