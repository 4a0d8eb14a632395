import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { BodyFields, deleteFields, Field, incrFields, keyRefusal } from '../../protocol/http/body-fields.ts';
import { entityTagOf } from '../../protocol/http/entity-tag.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { integerParameter, isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import { isUtf8 } from '../../protocol/http/utf8.ts';
import type { Exchange } from './exchange.ts';
import { beginWithPathKey } from './path-key.ts';
import { missing } from './set-endpoint.ts';
import type { HttpShared } from './shared.ts';

const deleteCommand = commandTable.named('del');
const scanCommand = commandTable.named('scan');
export const incrCommand = commandTable.named('incrby');
export const incrFloatCommand = commandTable.named('incrbyfloat');

const listingCountDefault = 100;

/** Paths that are one command each: `/delete`, `/v1/keys/{key}/incr`, `/v1/keys`. */
export class CommandEndpoints {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #scanner: JsonScanner;
  readonly #fields: BodyFields;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#scanner = new JsonScanner(shared.options.jsonDepthMax);
    this.#fields = new BodyFields(shared.options);
  }

  deleteByQuery(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['key']);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const key = query.get('key');
    if (key === undefined) {
      exchange.refuse(refuse('bad-request', 'The parameter "key" is missing.', 'key', '/delete?key=…'));
      return;
    }
    const refusal = keyRefusal(key.length, this.#shared.options.keyBytesMax);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    this.#builder.clear(key.length);
    this.#builder.copy(key, 0, key.length);
    this.#delete(exchange);
  }

  deleteByBody(exchange: Exchange): void {
    const builder = this.#builder;
    builder.clear(exchange.body.length);
    if (!this.#readBody(exchange, deleteFields)) return;
    if ((this.#fields.seen & Field.key) === 0) {
      exchange.refuse(missing('key'));
      return;
    }
    builder.args.push(this.#fields.keyStart, this.#fields.keyEnd);
    this.#delete(exchange);
  }

  incr(exchange: Exchange): void {
    const refusal = beginWithPathKey(exchange, this.#builder);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    const builder = this.#builder;
    builder.reserve(exchange.body.length);
    if (exchange.body.length > 0 && !this.#readBody(exchange, incrFields)) return;
    const isGiven = exchange.body.length > 0 && (this.#fields.seen & Field.by) !== 0;
    let command = incrCommand;
    if (!isGiven) builder.word('1');
    else {
      builder.args.push(this.#fields.byStart, this.#fields.byEnd);
      if (!isInteger(builder.bytes, this.#fields.byStart, this.#fields.byEnd)) command = incrFloatCommand;
    }
    exchange.execute(command, builder, (reply) => {
      const document = `{"value":${numberOf(reply)},"version":${reply.version}}`;
      exchange.answer(200, 'application/json', document, ['ETag', entityTagOf(reply.version)]);
    });
  }

  list(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['match', 'cursor', 'count']);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const cursor = integerParameter(query, 'cursor', 0, Number.MAX_SAFE_INTEGER, 0);
    if (typeof cursor !== 'number') {
      exchange.refuse(cursor);
      return;
    }
    const count = integerParameter(query, 'count', 1, this.#shared.options.listingCountMax, listingCountDefault);
    if (typeof count !== 'number') {
      exchange.refuse(count);
      return;
    }
    const builder = this.#builder;
    builder.clear(0);
    builder.integer(cursor);
    const match = query.get('match');
    if (match !== undefined) {
      builder.word('MATCH');
      builder.copy(match, 0, match.length);
    }
    builder.word('COUNT');
    builder.integer(count);
    exchange.execute(scanCommand, builder, (reply) => exchange.json(200, pageOf(reply)));
  }

  #delete(exchange: Exchange): void {
    exchange.execute(deleteCommand, this.#builder, (reply) => exchange.json(200, { deleted: reply.number > 0 }));
  }

  #readBody(exchange: Exchange, allowed: number): boolean {
    const { body } = exchange;
    if (body.length === 0) {
      exchange.refuse(refuse('bad-request', 'The body is empty; it must be a JSON object.'));
      return false;
    }
    this.#scanner.open(body, 0, body.length);
    if (this.#fields.readBody(this.#scanner, this.#builder, allowed)) return true;
    exchange.refuse(this.#fields.refusal ?? refuse('bad-request', 'The body cannot be read.'));
    return false;
  }
}

/** The number in the reply of an increment, as JSON writes it. */
export function numberOf(reply: ReplyReader): string {
  switch (reply.kind) {
    case ReplyKind.integer:
    case ReplyKind.double:
      return String(reply.number);
    case ReplyKind.bigInteger:
      return String(reply.bigInteger);
    default:
      return reply.text;
  }
}

export function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0x2e || (byte | 0x20) === 0x65) return false;
  }
  return true;
}

/** A page of keys. A key that is no UTF-8 stands as `{"base64":"…"}`: no text stands for it. */
function pageOf(reply: ReplyReader): object {
  reply.next();
  const cursor = reply.text;
  reply.next();
  const count = reply.count;
  const keys: (string | { base64: string })[] = [];
  for (let index = 0; index < count; index++) {
    reply.next();
    const { bytes, start, end } = reply;
    if (isUtf8(bytes, start, end)) keys.push(reply.text);
    else keys.push({ base64: Buffer.from(reply.view).toString('base64') });
  }
  return { keys, cursor: cursor === '0' ? null : cursor };
}
