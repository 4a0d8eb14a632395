import { FrontEnd, Tally } from '../../base/counters.ts';
import { type HttpPath, type HttpPathId, httpPaths, methodsAt } from '../../protocol/http/paths.ts';
import { quoted, refuse } from '../../protocol/http/refusal.ts';
import type { AccessRefusal } from '../access/access.ts';
import { AccessUser, everybody } from '../access/rights.ts';
import { type Endpoint, HttpEndpoints } from './endpoints.ts';
import { lastEventHeader } from './events-endpoint.ts';
import { Exchange } from './exchange.ts';
import type { GetEndpoint } from './get-endpoint.ts';
import { isEngineEnough, type Listener, listenerOf } from './listener.ts';
import type { HttpNode } from './node-port.ts';
import type { HttpFrontOptions } from './options.ts';
import { encodingHeader } from './redis-endpoints.ts';
import { headRefusal, misdirected } from './request-head.ts';
import type { SetEndpoint } from './set-endpoint.ts';
import { HttpShared } from './shared.ts';
import { type LoadedUws, loadUws, type UwsApp, type UwsRequest, type UwsResponse } from './uws.ts';

/** A front that listens. */
export interface HttpFront {
  readonly port: number;
  /** Which build of the engine serves. */
  readonly engine: string;
  /** Whether the engine tells of connections, so that they are counted and limited. */
  readonly tellsConnections: boolean;
  /** Requests that are begun and not answered. */
  readonly inFlight: number;
  /** Clients that events are streamed to. */
  readonly eventReaders: number;
  /** Hands what was counted to the node's counters: before they are read for anything but `/metrics`. */
  flushCounts(): void;
  /**
   * Ends gracefully: stops accepting, answers what is in flight and what still arrives on open connections (each
   * answer being its connection's last), and closes connections once they are quiet. After `drainTimeoutMs` the rest
   * is cut off. True when nothing was.
   */
  drain(): Promise<boolean>;
  /** Closes every connection at once. */
  close(): void;
}

/** The headers that the endpoints look at. */
const headerNames = [
  'content-type',
  'content-length',
  'cache-control',
  'if-match',
  'if-none-match',
  encodingHeader,
  lastEventHeader,
] as const;

/** Requests stop arriving when none came for so long, some turns of the event loop included. */
const quietMs = 100;

/** Starts the HTTP front: the port is open when the promise is fulfilled. */
export async function startHttpFront(
  options: HttpFrontOptions,
  node: HttpNode,
  loaded: LoadedUws = loadUws(options.headerBytesMax),
): Promise<HttpFront> {
  const front = new UwsFront(options, node, loaded);
  await front.listen();
  return front;
}

class UwsFront implements HttpFront {
  port = 0;
  readonly engine: string;
  readonly #listener: Listener;
  readonly #shared: HttpShared;
  readonly #endpoints: HttpEndpoints;
  readonly #get: GetEndpoint;
  readonly #set: SetEndpoint;
  #connections = 0;
  #tellsConnections = false;

  constructor(options: HttpFrontOptions, node: HttpNode, loaded: LoadedUws) {
    this.engine = loaded.source;
    this.#shared = new HttpShared(options, node);
    this.#endpoints = new HttpEndpoints(this.#shared);
    this.#get = this.#endpoints.get;
    this.#set = this.#endpoints.set;
    this.#listener = listenerOf(loaded.uws, options, node.tls, (app) => this.#route(app), node.log);
  }

  get tellsConnections(): boolean {
    return this.#tellsConnections;
  }

  get inFlight(): number {
    return this.#shared.inFlight;
  }

  get eventReaders(): number {
    return this.#endpoints.feed.readerCount;
  }

  flushCounts(): void {
    this.#shared.counts.flush();
  }

  async listen(): Promise<void> {
    await this.#listener.listen();
    this.port = this.#listener.port;
  }

  async drain(): Promise<boolean> {
    const shared = this.#shared;
    shared.isDraining = true;
    this.#listener.stop();
    this.#endpoints.endStreams();
    const endMs = performance.now() + shared.options.drainTimeoutMs;
    let served = -1;
    let quietSinceMs = performance.now();
    for (;;) {
      const nowMs = performance.now();
      const isOver = nowMs >= endMs;
      if (shared.inFlight > 0 || shared.served !== served) quietSinceMs = nowMs;
      served = shared.served;
      if (isOver || nowMs - quietSinceMs >= quietMs) {
        const isComplete = shared.inFlight === 0;
        this.close();
        return isComplete;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  close(): void {
    this.#endpoints.endStreams();
    this.#listener.close();
    this.#shared.deadlines.close();
    this.#shared.counts.flush();
  }

  #route(app: UwsApp): void {
    this.#limitConnections(app);
    for (const row of httpPaths as readonly (HttpPath & { id: HttpPathId })[]) {
      const pattern = row.path.replace(/\{(\w+)\}/, ':$1');
      const handler = this.#handler(row);
      switch (row.method) {
        case 'GET':
          app.get(pattern, handler).head(pattern, this.#handler(row, true));
          break;
        case 'PUT':
          app.put(pattern, handler);
          break;
        case 'POST':
          app.post(pattern, handler);
          break;
        default:
          app.del(pattern, handler);
      }
    }
    app.any('/*', (response, request) => {
      try {
        this.#unknown(response, request);
      } catch (error) {
        this.#broken(response, request, error);
      }
    });
  }

  /** Only builds of the engine that tell of connections can limit them here. */
  #limitConnections(app: UwsApp): void {
    const { connectionsMax } = this.#shared.options;
    const { counters } = this.#shared.node;
    this.#tellsConnections = app.filter !== undefined;
    // biome-ignore lint/suspicious/useIterableCallbackReturn: no filter of an array, but a listener.
    app.filter?.((response, change) => {
      this.#connections += change;
      counters.add(Tally.clients, FrontEnd.http, change);
      if (change < 0) return;
      counters.add(Tally.connectionsReceived, FrontEnd.http, 1);
      if (this.#connections <= connectionsMax) return;
      counters.add(Tally.connectionsRejected, FrontEnd.http, 1);
      response.close();
    });
  }

  #handler(row: HttpPath & { id: HttpPathId }, isHead = false): (response: UwsResponse, request: UwsRequest) => void {
    const run = this.#endpoints.runs[row.id];
    // A function each, though they differ in one call: one for all would be called through, and never inlined.
    if (row.id === 'get' && !isHead) {
      return (response, request) => {
        try {
          this.#handleGet(response, request, row, run);
        } catch (error) {
          this.#broken(response, request, error);
        }
      };
    }
    if (row.id === 'set') {
      return (response, request) => {
        try {
          this.#handleSet(response, request, row, run);
        } catch (error) {
          this.#broken(response, request, error);
        }
      };
    }
    return (response, request) => {
      try {
        this.#handle(response, request, row, run);
      } catch (error) {
        this.#broken(response, request, error);
      }
    };
  }

  #handleGet(response: UwsResponse, request: UwsRequest, row: HttpPath, run: Endpoint): void {
    const { access, origin } = this.#shared.node;
    if (origin.answersFor(request.getHeader('host'))) {
      const user = access.isOpen ? everybody : this.#knownUser(response, request);
      if (user !== null && this.#get.answerAtOnce(response, request, user)) {
        this.#shared.served++;
        return;
      }
    }
    this.#handle(response, request, row, run);
  }

  #handleSet(response: UwsResponse, request: UwsRequest, row: HttpPath, run: Endpoint): void {
    const { access, origin } = this.#shared.node;
    const host = request.getHeader('host');
    const isUsual =
      request.getHeader('content-type') === 'application/json' &&
      request.getQuery() === undefined &&
      origin.answersFor(host) &&
      origin.mayChange(host, request.getHeader('origin'), request.getHeader('sec-fetch-site'));
    const user = !isUsual ? null : access.isOpen ? everybody : this.#knownUser(response, request);
    if (user === null) this.#handle(response, request, row, run);
    else {
      this.#shared.served++;
      this.#set.receive(response, request, user);
    }
  }

  /** The user whose credentials are known already; null when that takes a closer look. */
  #knownUser(response: UwsResponse, request: UwsRequest): AccessUser | null {
    const user = this.#authenticate(response, request);
    return user instanceof AccessUser ? user : null;
  }

  #authenticate(
    response: UwsResponse,
    request: UwsRequest,
  ): AccessUser | AccessRefusal | Promise<AccessUser | AccessRefusal> {
    const { access, tls } = this.#shared.node;
    const isRelayed = tls !== null && !isEngineEnough(tls);
    const address = isRelayed ? response.getProxiedRemoteAddressAsText() : response.getRemoteAddressAsText();
    return access.authenticate(request.getHeader('authorization'), Buffer.from(address).toString('latin1'));
  }

  /** Any request to a path that there is: looks at all that can be wrong with its head, then runs it. */
  #handle(response: UwsResponse, request: UwsRequest, row: HttpPath, run: Endpoint): void {
    const shared = this.#shared;
    shared.served++;
    const exchange = new Exchange(shared, response, request, headerNames);
    exchange.tellsRedisErrors = row.isRedisShaped === true;
    const refusal = headRefusal(request, row, shared);
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    const { access, probesNeedCredentials } = shared.node;
    const isFree = access.isOpen || row.isPublic === true || (row.isProbe && !probesNeedCredentials);
    const user = isFree ? everybody : this.#authenticate(response, request);
    const start = (): void => {
      if (user instanceof AccessUser) {
        exchange.user = user;
        this.#run(exchange, run);
      } else if (user instanceof Promise) void this.#runLater(exchange, run, user);
      else refuseAccess(exchange, user);
    };
    if (row.body === undefined) start();
    else exchange.receive(start);
  }

  async #runLater(exchange: Exchange, run: Endpoint, user: Promise<AccessUser | AccessRefusal>): Promise<void> {
    try {
      const found = await user;
      if (!(found instanceof AccessUser)) return refuseAccess(exchange, found);
      exchange.user = found;
      this.#run(exchange, run);
    } catch (error) {
      exchange.defect(error);
    }
  }

  #run(exchange: Exchange, run: Endpoint): void {
    const refusal = this.#shared.admit();
    if (refusal !== null) {
      exchange.refuse(refusal);
      return;
    }
    exchange.guard(() => run(exchange));
  }

  /** A path there is not, or a method it does not take. */
  #unknown(response: UwsResponse, request: UwsRequest): void {
    this.#shared.served++;
    const exchange = new Exchange(this.#shared, response, request, headerNames);
    const { path, method } = exchange;
    const host = request.getHeader('host');
    if (!this.#shared.node.origin.answersFor(host)) {
      exchange.refuse(misdirected(host));
      return;
    }
    const methods = methodsAt(path);
    if (methods.length === 0) {
      if (path === '/v1/keys/') {
        exchange.refuse(refuse('invalid-argument', 'The key is empty.', 'key'));
        return;
      }
      exchange.refuse(refuse('not-found', `There is nothing at ${quoted(path)}; see /openapi.json.`));
      return;
    }
    if (method === 'OPTIONS') {
      exchange.answerEmpty(200, ['Allow', methods.join(', ')]);
      return;
    }
    const allow = methods.join(', ');
    const detail = `The path ${quoted(path)} does not take ${method}.`;
    exchange.refuse(refuse('method-not-allowed', detail, 'method', allow), { allow });
  }

  /** A defect costs its own connection and no other. */
  #broken(response: UwsResponse, request: UwsRequest, error: unknown): void {
    this.#shared.defect(error, request.getUrl());
    response.close();
  }
}

function refuseAccess(exchange: Exchange, { code, message, retryAfterMs }: AccessRefusal): void {
  exchange.refuse(refuse(code, message), { retryAfterMs });
}
