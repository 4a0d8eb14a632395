import { isUtf8 } from '../../base/utf8.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { valueRefusal } from '../../protocol/http/body-fields.ts';
import { secondsOf } from '../../protocol/http/cache-control.ts';
import {
  type EntityTags,
  entityTagOf,
  ifMatchHolds,
  ifNoneMatchHolds,
  parseEntityTags,
} from '../../protocol/http/entity-tag.ts';
import { JsonScanner } from '../../protocol/http/json-scanner.ts';
import { type Lifetime, lifetimeOf } from '../../protocol/http/lifetime.ts';
import { isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { contentTypeOf, type Entry, entryCommand, entryOf, staleEntryCommand } from './entry.ts';
import type { Exchange } from './exchange.ts';
import { freshness, missStatus } from './freshness.ts';
import { appendLifetime } from './lifetime-args.ts';
import { noSuchKey } from './refusals.ts';
import { beginWithPathKey } from './request-key.ts';
import type { HttpShared } from './shared.ts';

const setCommand = commandTable.named('set');
const deleteCommand = commandTable.named('del');
const removeIfCommand = commandTable.named('flux.removeif');

/** Rounds of reading a version and writing on condition of it, when others keep writing the key in between. */
const attemptsMax = 8;

/** If-Match and If-None-Match of a request; null where absent. */
interface Preconditions {
  readonly ifMatch: EntityTags | null;
  readonly ifNoneMatch: EntityTags | null;
}

/** A write as the request asks for it, condition aside. */
interface PutPlan {
  readonly lifetime: Lifetime;
  readonly type: ValueType;
  readonly contentType: string;
}

/** Which version the entry must have for a write to take place: `any`, `none` (no entry), `some`, or a version. */
type Condition = 'any' | 'none' | 'some' | number;

/** `GET`, `PUT` and `DELETE /v1/keys/{key}`: a value as a resource of its own (RFC 9110). */
export class KeyEndpoints {
  readonly #shared: HttpShared;
  readonly #builder = new ArgsBuilder();
  readonly #scanner: JsonScanner;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#scanner = new JsonScanner(shared.options.jsonDepthMax);
  }

  read(exchange: Exchange): void {
    const query = parseQuery(exchange.query, []);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const preconditions = preconditionsOf(exchange);
    if (isRefusal(preconditions)) {
      exchange.refuse(preconditions);
      return;
    }
    const staleS = secondsOf(exchange.header('cache-control'), 'max-stale', Number.POSITIVE_INFINITY);
    if (Number.isNaN(staleS)) {
      exchange.refuse(refuse('invalid-argument', 'The max-stale must be whole seconds.', 'Cache-Control'));
      return;
    }
    const command = staleS === null ? entryCommand : staleEntryCommand;
    this.#entry(exchange, command, (found) => {
      const nowMs = this.#shared.node.clock.nowMs();
      const { ifMatch, ifNoneMatch } = preconditions;
      const isTooStale = found !== null && staleS !== null && staleByMs(found, nowMs) > staleS * 1000;
      const entry = isTooStale ? null : found;
      const version = entry?.version ?? 0;
      if (ifMatch !== null && !ifMatchHolds(ifMatch, version)) return exchange.refuse(unmet('If-Match'));
      if (entry === null) return exchange.refuse(noSuchKey, { headers: missStatus });
      const headers = ['ETag', entityTagOf(version), ...freshness(entry, nowMs)];
      if (ifNoneMatch !== null && !ifNoneMatchHolds(ifNoneMatch, version))
        return exchange.answerBodiless(304, headers, entry.value.length);
      answerEntry(exchange, entry, headers);
    });
  }

  write(exchange: Exchange): void {
    const preconditions = preconditionsOf(exchange);
    if (isRefusal(preconditions)) {
      exchange.refuse(preconditions);
      return;
    }
    const plan = this.#planOf(exchange);
    if (isRefusal(plan)) {
      exchange.refuse(plan);
      return;
    }
    const { ifMatch, ifNoneMatch } = preconditions;
    if (plan.lifetime.fill !== '' && (ifMatch !== null || ifNoneMatch !== null)) {
      exchange.refuse(
        refuse('bad-request', 'A fill token is a precondition by itself.', 'fill', 'no If-Match, no If-None-Match'),
      );
      return;
    }
    this.#onCondition(exchange, preconditions, (condition, onUnmet) => {
      this.#put(exchange, plan, condition, onUnmet);
    });
  }

  remove(exchange: Exchange): void {
    const query = parseQuery(exchange.query, []);
    if (isRefusal(query)) {
      exchange.refuse(query);
      return;
    }
    const preconditions = preconditionsOf(exchange);
    if (isRefusal(preconditions)) {
      exchange.refuse(preconditions);
      return;
    }
    this.#onCondition(exchange, preconditions, (condition, onUnmet) => {
      if (condition === 'none') return exchange.refuse(noSuchKey);
      if (!this.#begin(exchange)) return;
      const isConditional = typeof condition === 'number';
      if (isConditional) this.#builder.integer(condition);
      exchange.execute(isConditional ? removeIfCommand : deleteCommand, this.#builder, (reply) => {
        if (reply.kind === ReplyKind.integer && reply.number > 0) exchange.answerBodiless(204);
        else if (isConditional) onUnmet();
        else if (condition === 'some') exchange.refuse(unmet('If-Match'));
        else exchange.refuse(noSuchKey);
      });
    });
  }

  #put(exchange: Exchange, plan: PutPlan, condition: Condition, onUnmet: () => void): void {
    const { body } = exchange;
    if (!this.#begin(exchange)) return;
    const builder = this.#builder;
    builder.copy(body, 0, body.length);
    appendLifetime(builder, plan.lifetime);
    if (plan.type !== ValueType.string) {
      builder.word('TYPE');
      builder.word(plan.type === ValueType.json ? 'json' : 'bytes');
    }
    if (plan.contentType !== '') {
      builder.word('CT');
      builder.word(plan.contentType);
    }
    if (condition === 'none') builder.word('NX');
    else if (condition === 'some') builder.word('XX');
    else if (condition !== 'any') {
      builder.word('IFVERSION');
      builder.integer(condition);
    }
    exchange.execute(setCommand, builder, (reply) => {
      if (reply.kind === ReplyKind.null) return onUnmet();
      const headers = ['ETag', entityTagOf(reply.version)];
      if (!reply.created) return exchange.answerBodiless(204, headers);
      exchange.answerEmpty(201, [...headers, 'Location', exchange.path]);
    });
  }

  /** The value's kind, lifetime and Content-Type, or why the request is refused. */
  #planOf(exchange: Exchange): PutPlan | Refusal {
    const lifetime = lifetimeOf(exchange.query, exchange.header('cache-control'));
    if (isRefusal(lifetime)) return lifetime;
    const { body } = exchange;
    const tooLarge = valueRefusal(body.length, this.#shared.options.valueBytesMax);
    if (tooLarge !== null) return tooLarge;
    const contentType = exchange.header('content-type').trim();
    if (contentType !== '' && !/^[!-~]+\/[ -~]{1,200}$/.test(contentType)) {
      return refuse(
        'unsupported-media-type',
        'The Content-Type is malformed or too long.',
        'Content-Type',
        'type/subtype',
      );
    }
    const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    if (mediaType === 'application/json' || mediaType.endsWith('+json')) {
      const scanner = this.#scanner;
      scanner.open(body, 0, body.length);
      const isJson = scanner.value() && (scanner.peek() < 0 || scanner.unexpected('the end of the body'));
      if (!isJson) return scanner.refusal as Refusal;
      return { lifetime, type: ValueType.json, contentType };
    }
    const isText = mediaType === '' || mediaType.startsWith('text/') || mediaType === formType;
    const type = isText && isUtf8(body, 0, body.length) ? ValueType.string : ValueType.bytes;
    return { lifetime, type, contentType };
  }

  /**
   * Finds the condition under which a write meets the request's preconditions, and calls `write` with it. Where one
   * comparison in the shard can decide, that is all; else the entry's version is read first, and read again when the
   * write finds another (`onUnmet`).
   */
  #onCondition(
    exchange: Exchange,
    { ifMatch, ifNoneMatch }: Preconditions,
    write: (condition: Condition, onUnmet: () => void) => void,
    attempt = 1,
  ): void {
    if (ifMatch === null && ifNoneMatch === null) {
      write('any', () => exchange.refuse(unmet('If-Match')));
      return;
    }
    if (ifNoneMatch === null && ifMatch?.any) {
      write('some', () => exchange.refuse(unmet('If-Match')));
      return;
    }
    if (attempt > attemptsMax) {
      exchange.refuse(refuse('overloaded', 'The key changed each time it was to be written; try again.'));
      return;
    }
    this.#entry(exchange, entryCommand, (entry) => {
      const version = entry?.version ?? 0;
      if (ifMatch !== null && !ifMatchHolds(ifMatch, version)) return exchange.refuse(unmet('If-Match'));
      if (ifNoneMatch !== null && !ifNoneMatchHolds(ifNoneMatch, version)) {
        return exchange.refuse(unmet('If-None-Match'));
      }
      write(version === 0 ? 'none' : version, () => {
        this.#onCondition(exchange, { ifMatch, ifNoneMatch }, write, attempt + 1);
      });
    });
  }

  #entry(exchange: Exchange, command: typeof entryCommand, then: (entry: Entry | null) => void): void {
    if (!this.#begin(exchange)) return;
    exchange.execute(command, this.#builder, (reply: ReplyReader) => then(entryOf(reply)));
  }

  /** Begins a command on the path's key; answers when that cannot be. */
  #begin(exchange: Exchange): boolean {
    const refusal = beginWithPathKey(exchange, this.#builder);
    if (refusal === null) return true;
    exchange.refuse(refusal);
    return false;
  }
}

const formType = 'application/x-www-form-urlencoded';

function preconditionsOf(exchange: Exchange): Preconditions | Refusal {
  const lists: (EntityTags | null)[] = [];
  for (const name of ['If-Match', 'If-None-Match']) {
    const header = exchange.header(name.toLowerCase());
    const list = header === '' ? null : parseEntityTags(header);
    if (header !== '' && list === null) {
      return refuse('bad-request', `The header ${name} is malformed.`, name, '* or a list of "entity tags"');
    }
    lists.push(list);
  }
  const [ifMatch = null, ifNoneMatch = null] = lists;
  return { ifMatch, ifNoneMatch };
}

function unmet(header: string): Refusal {
  return refuse('precondition-failed', `The precondition ${header} does not hold; nothing was changed.`, header);
}

/** How long ago the entry's time was over; negative while it is not. */
function staleByMs({ expiresAtMs }: Entry, nowMs: number): number {
  return expiresAtMs === 0 ? -1 : nowMs - expiresAtMs;
}

/** 200 with the value. */
export function answerEntry(exchange: Exchange, entry: Entry, headers: readonly string[]): void {
  const all = [...headers, 'X-Content-Type-Options', 'nosniff'];
  // A page that a client has stored is of the dashboard's origin: shown by a browser, it runs nothing and asks for nothing.
  if (entry.contentType !== '') all.push('Content-Security-Policy', "default-src 'none'; sandbox");
  exchange.answer(200, contentTypeOf(entry), entry.value, all);
}
