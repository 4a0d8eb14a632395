import type { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { keyRefusal } from '../../protocol/http/body-fields.ts';
import { decodePercent } from '../../protocol/http/percent.ts';
import { quoted, type Refusal, refuse } from '../../protocol/http/refusal.ts';
import type { Exchange } from './exchange.ts';

/** Begins a command with the key in the request's path as its first argument; why it cannot, or null. */
export function beginWithPathKey(exchange: Exchange, builder: ArgsBuilder): Refusal | null {
  const segment = exchange.parameter;
  builder.clear(segment.length * 3);
  const end = decodePercent(segment, 0, segment.length, builder.bytes, 0, false);
  if (end < 0) {
    const detail = `The percent-encoding of ${quoted(segment)} is broken.`;
    return refuse('bad-request', detail, 'key', '% and two hex digits');
  }
  const refusal = keyRefusal(end, exchange.shared.options.keyBytesMax);
  if (refusal !== null) return refusal;
  builder.length = end;
  builder.end(0);
  return null;
}
