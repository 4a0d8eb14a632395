import { entityTagOf, ifNoneMatchHolds, parseEntityTags } from '../../protocol/http/entity-tag.ts';
import { isRefusal, parseQuery } from '../../protocol/http/query.ts';
import { quoted, refuse } from '../../protocol/http/refusal.ts';
import type { PageFile } from './dashboard-port.ts';
import { DashboardStream } from './dashboard-stream.ts';
import type { Exchange } from './exchange.ts';
import type { HttpShared } from './shared.ts';
import { streamHeaders, streamRefusal } from './stream-head.ts';

/** Milliseconds that browsers wait before they come back. */
const RETRY_MS = 1000;

/** Content security policy of the page. */
export const PAGE_POLICY =
  "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'";

/**
 * With every file of the page. Scripts, styles and data come from this node alone, no other page may frame it, and nobody
 * is told its address: what keys are called must not become a part of the page, and could not reach anybody if it did.
 */
const fileHeaders = [
  'Cache-Control',
  'no-cache',
  'Content-Security-Policy',
  PAGE_POLICY,
  'X-Content-Type-Options',
  'nosniff',
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Resource-Policy',
  'same-origin',
];

/** `GET /`, `/dashboard/{file}` and `/v1/dashboard`: the dashboard's page, its files, and what it is streamed. */
export class DashboardEndpoints {
  readonly #shared: HttpShared;
  readonly #streams = new Set<DashboardStream>();

  constructor(shared: HttpShared) {
    this.#shared = shared;
  }

  page(exchange: Exchange): void {
    this.#answer(exchange, this.#shared.node.dashboard?.page);
  }

  file(exchange: Exchange): void {
    // Names are those of a fixed table, which have nothing in them that would be percent-encoded.
    this.#answer(exchange, this.#shared.node.dashboard?.files.get(exchange.parameter));
  }

  stream(exchange: Exchange): void {
    const { dashboard } = this.#shared.node;
    if (dashboard === null) {
      exchange.refuse(nothingAt(exchange));
      return;
    }
    const query = parseQuery(exchange.query, []);
    const refusal = isRefusal(query) ? query : streamRefusal(this.#shared);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    let close = (): void => undefined;
    const stream = new DashboardStream(this.#shared, exchange.user, () => {
      this.#streams.delete(stream);
      close();
    });
    const response = exchange.stream('text/event-stream', streamHeaders, `retry: ${RETRY_MS}\n\n`, () => stream.gone());
    if (response === null) {
      stream.gone();
      return;
    }
    this.#streams.add(stream);
    stream.start(response);
    close = dashboard.open(stream);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams) stream.end();
  }

  #answer(exchange: Exchange, file: PageFile | undefined): void {
    const tags = parseEntityTags(exchange.header('if-none-match'));
    if (file === undefined) exchange.refuse(nothingAt(exchange));
    else {
      const { version, contentType, bytes } = file;
      const headers = ['ETag', entityTagOf(version), ...fileHeaders];
      // A malformed list is passed over, as if the browser had none of it yet.
      if (tags !== null && !ifNoneMatchHolds(tags, version)) exchange.answerBodiless(304, headers, bytes.length);
      else exchange.answer(200, contentType, bytes, headers);
    }
  }
}

function nothingAt({ path }: Exchange) {
  return refuse('not-found', `There is nothing at ${quoted(path)}; see /openapi.json.`);
}
