import { isUtf8 } from '../../base/utf8.ts';
import type { ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { BodyFields, deleteFields, Field, incrFields } from '../../protocol/http/body-fields.ts';
import { entityTagOf } from '../../protocol/http/entity-tag.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { integerParameter, isRefusal, parseQuery } from '../../protocol/http/query.ts';
import type { Refusal } from '../../protocol/http/refusal.ts';
import type { Exchange } from './exchange.ts';
import { appendIncrement, numberOf } from './increment.ts';
import { emptyBody, missing } from './refusals.ts';
import { beginWithPathKey, beginWithQueryKey } from './request-key.ts';
import type { HttpShared } from './shared.ts';

const deleteCommand = commandTable.named('del');
const scanCommand = commandTable.named('scan');

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
    const key = beginWithQueryKey(exchange, this.#builder);
    if (isRefusal(key)) {
      exchange.refuse(key);
      return;
    }
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
    const command = appendIncrement(builder, exchange.body.length > 0 ? this.#fields : null);
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
      exchange.refuse(emptyBody);
      return false;
    }
    this.#scanner.open(body, 0, body.length);
    if (this.#fields.readBody(this.#scanner, this.#builder, allowed)) return true;
    exchange.refuse(this.#fields.refusal as Refusal);
    return false;
  }
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
