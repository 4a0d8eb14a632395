import type { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { keyRefusal } from '../../protocol/http/body-fields.ts';
import { decodePercent } from '../../protocol/http/percent.ts';
import { isRefusal, parseQuery } from '../../protocol/http/query.ts';
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

/** As {@link beginWithPathKey} with the key in the request's query, which may hold nothing else; returns the key. */
export function beginWithQueryKey(exchange: Exchange, builder: ArgsBuilder): Uint8Array | Refusal {
  const query = parseQuery(exchange.query, ['key']);
  if (isRefusal(query)) return query;
  const key = query.get('key');
  if (key === undefined) {
    return refuse('bad-request', 'The parameter "key" is missing.', 'key', `${exchange.path}?key=…`);
  }
  const refusal = keyRefusal(key.length, exchange.shared.options.keyBytesMax);
  if (refusal !== null) return refusal;
  builder.clear(key.length);
  builder.copy(key, 0, key.length);
  return key;
}
