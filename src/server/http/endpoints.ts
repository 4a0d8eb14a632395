import { randomBytes } from 'node:crypto';
import type { HttpPathId } from '../../protocol/http/paths.ts';
import { BatchEndpoint } from './batch-endpoint.ts';
import { ClusterEndpoints } from './cluster-endpoints.ts';
import { CommandEndpoints } from './command-endpoints.ts';
import { DashboardEndpoints } from './dashboard-endpoints.ts';
import { EventFeed } from './event-feed.ts';
import { EventsEndpoint } from './events-endpoint.ts';
import type { Exchange } from './exchange.ts';
import { FillEndpoints } from './fill-endpoints.ts';
import { GetEndpoint } from './get-endpoint.ts';
import { InvalidateEndpoint } from './invalidate-endpoint.ts';
import { KeyEndpoints } from './key-endpoints.ts';
import { NodeEndpoints } from './node-endpoints.ts';
import { RedisEndpoints } from './redis-endpoints.ts';
import { SetEndpoint } from './set-endpoint.ts';
import type { HttpShared } from './shared.ts';
import { makeSnapshot } from './snapshot-endpoint.ts';
import { SubscribeEndpoints } from './subscribe-endpoints.ts';

/** Answers the requests to a path, those that are not refused beforehand. */
export type Endpoint = (exchange: Exchange) => void;

/** All endpoints of a front, by the path's id. */
export class HttpEndpoints {
  readonly get: GetEndpoint;
  readonly set: SetEndpoint;
  readonly feed: EventFeed;
  readonly runs: Readonly<Record<HttpPathId, Endpoint>>;
  readonly #subscriptions: SubscribeEndpoints;
  readonly #dashboard: DashboardEndpoints;

  constructor(shared: HttpShared) {
    const { node, options } = shared;
    this.get = new GetEndpoint(shared);
    this.set = new SetEndpoint(shared);
    this.feed = new EventFeed(node.changes, options.events, () => randomBytes(8).toString('hex'));
    this.#subscriptions = new SubscribeEndpoints(shared);
    this.#dashboard = new DashboardEndpoints(shared);
    this.runs = this.#table(shared);
  }

  /** Ends whatever is streamed to clients. */
  endStreams(): void {
    this.feed.close();
    this.#subscriptions.close();
    this.#dashboard.close();
  }

  #table(shared: HttpShared): Readonly<Record<HttpPathId, Endpoint>> {
    const keys = new KeyEndpoints(shared);
    const fills = new FillEndpoints(shared);
    const invalidate = new InvalidateEndpoint(shared);
    const commands = new CommandEndpoints(shared);
    const batch = new BatchEndpoint(shared);
    const redis = new RedisEndpoints(shared);
    const events = new EventsEndpoint(shared, this.feed);
    const node = new NodeEndpoints(shared);
    const cluster = new ClusterEndpoints(shared);
    return {
      get: (exchange) => this.get.run(exchange),
      set: (exchange) => this.set.run(exchange),
      delete: (exchange) => commands.deleteByQuery(exchange),
      deleteByBody: (exchange) => commands.deleteByBody(exchange),
      readKey: (exchange) => keys.read(exchange),
      writeKey: (exchange) => keys.write(exchange),
      removeKey: (exchange) => keys.remove(exchange),
      takeFill: (exchange) => fills.take(exchange),
      cancelFill: (exchange) => fills.giveBack(exchange),
      invalidate: (exchange) => invalidate.run(exchange),
      incrKey: (exchange) => commands.incr(exchange),
      listKeys: (exchange) => commands.list(exchange),
      batch: (exchange) => batch.run(exchange),
      redisCommand: (exchange) => redis.one(exchange),
      redisTransaction: (exchange) => redis.transaction(exchange),
      subscribe: (exchange) => this.#subscriptions.channel(exchange),
      subscribeByPost: (exchange) => this.#subscriptions.channel(exchange),
      psubscribe: (exchange) => this.#subscriptions.pattern(exchange),
      psubscribeByPost: (exchange) => this.#subscriptions.pattern(exchange),
      redisPipeline: (exchange) => redis.pipeline(exchange),
      events: (exchange) => events.run(exchange),
      nodes: (exchange) => node.nodes(exchange),
      cluster: (exchange) => cluster.report(exchange),
      snapshot: (exchange) => makeSnapshot(exchange, shared),
      clusterDrain: (exchange) => cluster.control(exchange),
      clusterUndrain: (exchange) => cluster.control(exchange),
      clusterRemove: (exchange) => cluster.control(exchange),
      clusterRebalance: (exchange) => cluster.control(exchange),
      clusterFailover: (exchange) => cluster.control(exchange),
      clusterSettings: (exchange) => cluster.control(exchange),
      clusterReset: (exchange) => cluster.control(exchange),
      health: (exchange) => node.health(exchange),
      healthz: (exchange) => node.health(exchange),
      readyz: (exchange) => node.health(exchange),
      livez: (exchange) => node.live(exchange),
      metrics: (exchange) => node.metrics(exchange),
      openapi: (exchange) => node.openApi(exchange),
      dashboard: (exchange) => this.#dashboard.page(exchange),
      dashboardFile: (exchange) => this.#dashboard.file(exchange),
      dashboardStream: (exchange) => this.#dashboard.stream(exchange),
    };
  }
}
