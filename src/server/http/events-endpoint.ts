import { Args } from '../../command/args.ts';
import { commandTable } from '../../command/table.ts';
import { eventTypes } from '../../protocol/http/event-frame.ts';
import { isRefusal, parseQuery, type Query } from '../../protocol/http/query.ts';
import { quoted, type Refusal, refuse } from '../../protocol/http/refusal.ts';
import type { EventFeed } from './event-feed.ts';
import { type EventFilter, EventStream } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import type { HttpShared } from './shared.ts';
import { streamHeaders, streamRefusal } from './stream-head.ts';

/** Header by which a client that comes back says what it had last. */
export const lastEventHeader = 'last-event-id';

/** A read of no keys at all: who may run it may be told of changes. */
const readCommand = commandTable.named('exists');
const noArgs = new Args();
/** Milliseconds that clients wait before they come back. */
const RETRY_MS = 1000;

/** `GET /v1/events`: changes of keys as server-sent events. */
export class EventsEndpoint {
  readonly #shared: HttpShared;
  readonly #feed: EventFeed;

  constructor(shared: HttpShared, feed: EventFeed) {
    this.#shared = shared;
    this.#feed = feed;
  }

  run(exchange: Exchange): void {
    const query = parseQuery(exchange.query, ['match', 'types', 'lastEventId']);
    const filter = isRefusal(query) ? query : filterOf(query, exchange);
    if (isRefusal(query) || isRefusal(filter)) {
      exchange.refuse(isRefusal(query) ? query : (filter as Refusal));
      return;
    }
    const refusal = streamRefusal(this.#shared);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    const feed = this.#feed;
    let stream: EventStream | null = null;
    const response = exchange.stream('text/event-stream', streamHeaders, `retry: ${RETRY_MS}\n\n`, () =>
      stream?.gone(),
    );
    if (response === null) return;
    feed.open();
    stream = new EventStream(feed, response, filter, this.#shared);
    stream.begin(exchange.header(lastEventHeader) || textOf(query, 'lastEventId'));
  }
}

function filterOf(query: Query, { user }: Exchange): EventFilter | Refusal {
  if (user.denialOf(readCommand, noArgs) !== null) {
    return refuse('forbidden', `The user ${user.name} may not read.`);
  }
  const names = textOf(query, 'types')
    .split(',')
    .filter((name) => name !== '');
  const allowed: readonly string[] = eventTypes;
  const unknown = names.find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    return refuse('invalid-argument', `There is no type of event ${quoted(unknown)}.`, 'types', eventTypes.join(', '));
  }
  return { user, pattern: query.get('match') ?? null, types: names.length > 0 ? new Set(names) : null };
}

function textOf(query: Query, name: string): string {
  return Buffer.from(query.get(name) ?? new Uint8Array(0)).toString('utf8');
}
