import { Args } from '../../command/args.ts';
import { commandTable } from '../../command/table.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { problemContentType, problemOf } from '../../protocol/http/problem.ts';
import { isRefusal } from '../../protocol/http/query.ts';
import { statusLineOf } from '../../protocol/http/status.ts';
import { ValueDocument } from '../../protocol/http/value-document.ts';
import type { AccessUser } from '../access/rights.ts';
import { endAnswer, type WaitPort, waitPortOf } from './answer.ts';
import { entryCommand, entryOf } from './entry.ts';
import type { Exchange } from './exchange.ts';
import { noSuchKey } from './refusals.ts';
import { beginWithQueryKey } from './request-key.ts';
import type { HttpShared } from './shared.ts';
import type { UwsRequest, UwsResponse } from './uws.ts';

const getCommand = commandTable.named('get');

const noSuchKeyProblem = problemOf(noSuchKey);

/** An answer is written at once: nothing waits for a client that has gone. */
const onGone = (): void => {};

/** ASCII that stands for itself in a query's value and in a JSON string alike. */
const isPlain = Uint8Array.from(
  { length: 128 },
  (_, unit) => +(unit > 0x20 && unit < 0x7f && !'"\\%+&'.includes(String.fromCharCode(unit))),
);

/** As `startsWith('key=')`, which is a call. */
function beginsWithKey(query: string): boolean {
  return (
    query.length > 4 &&
    query.charCodeAt(0) === 0x6b &&
    query.charCodeAt(1) === 0x65 &&
    query.charCodeAt(2) === 0x79 &&
    query.charCodeAt(3) === 0x3d
  );
}

/** `GET /get?key=…`. */
export class GetEndpoint {
  readonly #shared: HttpShared;
  readonly #waits: WaitPort;
  readonly #document = new ValueDocument();
  readonly #builder = new ArgsBuilder();
  readonly #args = new Args();
  readonly #keyBytesMax: number;

  constructor(shared: HttpShared) {
    this.#shared = shared;
    this.#waits = waitPortOf(shared);
    // Room for such a key is made before it is known how long the key is.
    this.#keyBytesMax = Math.min(shared.options.keyBytesMax, shared.options.urlBytesMax);
  }

  /**
   * Answers the usual request at once: a plain key, its value read from shared memory straight into the answer.
   * False, with nothing written, when the request is any other.
   */
  answerAtOnce(response: UwsResponse, request: UwsRequest, user: AccessUser): boolean {
    const query = request.getQuery();
    if (query === undefined || !beginsWithKey(query)) return false;
    const keyBytes = query.length - 4;
    if (keyBytes > this.#keyBytesMax) return false;
    const shared = this.#shared;
    // An answer to a socket that was reset meanwhile counts as none, and the engine aborts the process when a handler
    // returns without an answer or this.
    response.onAborted(onGone);
    const beganMs = shared.counts.begin(getCommand);
    // Only what is measured can turn out to be slow.
    const caller = Number.isNaN(beganMs) ? null : shared.callerOf(response, request);
    const document = this.#document;
    document.begin(keyBytes);
    const bytes = document.bytes;
    const start = document.keyStart;
    for (let at = 4, to = start; at < query.length; at++, to++) {
      const unit = query.charCodeAt(at);
      if (unit > 0x7f || isPlain[unit] === 0) return false;
      bytes[to] = unit;
    }
    const end = start + keyBytes;
    if (!user.isUnrestricted && !this.#mayRead(user, bytes, start, end)) return false;
    const { commands } = shared.node;
    const view = commands.beginRead(bytes, start, end);
    if (view === null) return false;
    let isFound = false;
    let holds = false;
    try {
      isFound = view.lookup(bytes, start, end);
      if (isFound) {
        document.plainKey(end);
        document.foundValue(view);
        const { version, expiresAtMs } = view.entry;
        document.finish(version, expiresAtMs, view);
      }
    } finally {
      holds = commands.endRead();
    }
    if (!holds) return false;
    if (isFound) {
      response.writeHeader('Content-Type', 'application/json');
      endAnswer(shared, response, document.view, this.#waits);
    } else {
      shared.countError(noSuchKey.code);
      response.writeStatus(statusLineOf(404)).writeHeader('Content-Type', problemContentType);
      endAnswer(shared, response, noSuchKeyProblem, this.#waits);
    }
    shared.count(getCommand, beganMs, caller);
    return true;
  }

  run(exchange: Exchange): void {
    const key = beginWithQueryKey(exchange, this.#builder);
    if (isRefusal(key)) {
      exchange.refuse(key);
      return;
    }
    exchange.execute(entryCommand, this.#builder, (reply) => {
      const entry = entryOf(reply);
      if (entry === null) return exchange.refuse(noSuchKey);
      const document = this.#document;
      document.begin(0);
      document.key(key, 0, key.length);
      document.value(entry.type, entry.value, 0, entry.value.length);
      document.finish(entry.version, entry.expiresAtMs, this.#shared.node.clock);
      exchange.answer(200, 'application/json', document.view);
    });
  }

  #mayRead(user: AccessUser, bytes: Uint8Array, start: number, end: number): boolean {
    this.#args.clear(bytes);
    this.#args.push(start, end);
    return user.denialOf(getCommand, this.#args) === null;
  }
}
