import { FILL_MS_DEFAULT, FILL_MS_MAX, FILL_WAIT_MS_MAX } from '../../base/cache-limits.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { fillForm } from '../../protocol/http/cache-fields.ts';
import { entityTagOf } from '../../protocol/http/entity-tag.ts';
import { tokenParameter } from '../../protocol/http/lifetime.ts';
import { problemContentType, problemOf } from '../../protocol/http/problem.ts';
import { integerParameter, isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { refuse } from '../../protocol/http/refusal.ts';
import { type Entry, factsOf } from './entry.ts';
import type { Exchange } from './exchange.ts';
import { freshness, missStatus } from './freshness.ts';
import { answerEntry } from './key-endpoints.ts';
import { noSuchKey } from './refusals.ts';
import { beginWithPathKey } from './request-key.ts';
import type { HttpShared } from './shared.ts';

const getFillCommand = commandTable.named('flux.getfill');
const cancelFillCommand = commandTable.named('cancelfill');

/** What GETFILL found. */
interface Found {
  /** Null: there is no value. */
  readonly entry: Entry | null;
  /** Null: somebody else fills it, or nobody needs to. */
  readonly token: string | null;
  /** What is left of the value's time, of the token's, or of that of who fills it. */
  readonly ms: number;
}

/** `POST` and `DELETE /v1/keys/{key}/fill`: the right to fill a key that has no fresh value. */
export class FillEndpoints {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();

  constructor(shared: HttpShared) {
    this.#shared = shared;
  }

  take(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['for', 'wait']);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const fillMs = integerParameter(query, 'for', 1, FILL_MS_MAX, FILL_MS_DEFAULT);
    if (typeof fillMs !== 'number') {
      exchange.refuse(fillMs);
      return;
    }
    const waitMs = integerParameter(query, 'wait', 0, FILL_WAIT_MS_MAX, 0);
    if (typeof waitMs !== 'number') {
      exchange.refuse(waitMs);
      return;
    }
    if (!this.#begin(exchange)) return;
    const builder = this.#builder;
    builder.word('FOR');
    builder.integer(fillMs);
    builder.word('WAIT');
    builder.integer(waitMs);
    exchange.execute(getFillCommand, builder, (reply) => this.#answer(exchange, foundIn(reply)));
  }

  giveBack(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['token']);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const token = tokenParameter(query, 'token');
    if (typeof token !== 'string') {
      exchange.refuse(token ?? refuse('bad-request', 'The parameter "token" is missing.', 'token', fillForm));
      return;
    }
    if (!this.#begin(exchange)) return;
    this.#builder.word(token);
    exchange.execute(cancelFillCommand, this.#builder, (reply) => {
      if (reply.kind === ReplyKind.integer && reply.number === 1) exchange.answerBodiless(204);
      else exchange.refuse(refuse('fill-lost', 'The fill token does not count any more.', 'token'));
    });
  }

  #answer(exchange: Exchange, { entry, token, ms }: Found): void {
    const headers = token === null ? [] : ['FluxCache-Fill', token, 'FluxCache-Fill-Ms', String(ms)];
    if (entry !== null) {
      const told = freshness(entry, this.#shared.node.clock.nowMs());
      answerEntry(exchange, entry, ['ETag', entityTagOf(entry.version), ...told, ...headers]);
      return;
    }
    this.#shared.countError(noSuchKey.code);
    if (token === null) headers.push('Retry-After', String(Math.max(1, Math.ceil(ms / 1000))));
    // With what programs need of it: `fill` is the token, or null while somebody else fills the key, who has `ms` left.
    const body = `${problemOf(noSuchKey).slice(0, -1)},"fill":${JSON.stringify(token)},"ms":${ms}}`;
    exchange.answer(404, problemContentType, body, [...missStatus, ...headers]);
  }

  /** Begins a command on the path's key; answers when that cannot be. */
  #begin(exchange: Exchange): boolean {
    const refusal = beginWithPathKey(exchange, this.#builder);
    if (refusal === null) return true;
    exchange.refuse(refusal);
    return false;
  }
}

/** Reads the reply of {@link getFillCommand}. */
function foundIn(reply: ReplyReader): Found {
  reply.next();
  const hasValue = reply.next() !== ReplyKind.null;
  const type = hasValue ? reply.type : ValueType.string;
  const value = hasValue ? copyOf(reply.bytes, reply.start, reply.end) : new Uint8Array(0);
  const token = reply.next() === ReplyKind.null ? null : reply.text;
  reply.next();
  const ms = reply.number;
  if (!hasValue) return { entry: null, token, ms };
  return { entry: { type, value, ...factsOf(reply) }, token, ms };
}
