import type { Socket } from 'node:net';
import { slotOf } from '../src/base/slot.ts';
import {
  answer,
  type RpcRequest,
  refuse,
  refuseWith,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-rpc-server.ts';

/** Slots from `first` to `last`, and the indexes of the nodes that have them: the primary, then replicas. */
export type ScriptedRange = readonly [first: number, last: number, primary: number, ...replicas: number[]];

/** What a node was asked for, but for the map. */
export interface Served {
  readonly node: number;
  readonly method: string;
  readonly params: readonly unknown[];
  readonly outcome: 'ran' | 'moved';
}

interface Greeted {
  readonly redirects: boolean;
  readonly readsReplicas: boolean;
}

/**
 * Servers that play a cluster: one key space, of which each node answers what is its own by `ranges`, and tells others
 * where it is, or runs it for them when they did not ask for that. Commands: get, set, del, exists, mget, mset, incrby, ping,
 * batch, subscribe.
 */
export class ScriptedCluster {
  readonly servers: ScriptedServer[] = [];
  ranges: readonly ScriptedRange[];
  readonly values = new Map<string, unknown>();
  readonly served: Served[] = [];
  /** Maps asked for, by node. */
  readonly maps: number[] = [];
  readonly subscribers: { readonly node: number; readonly socket: Socket }[] = [];
  /** Answers in place of the node, when it returns true. */
  intercept: (node: number, request: RpcRequest) => boolean = () => false;
  /** What a node tells of the map; by default, how it is. */
  mapOf: (node: number) => unknown = () => this.slots();
  readonly #greeted = new WeakMap<Socket, Greeted>();

  constructor(ranges: readonly ScriptedRange[]) {
    this.ranges = ranges;
  }

  async start(count: number, features: readonly string[] = ['cluster']): Promise<this> {
    for (let node = 0; node < count; node++) this.servers.push(await this.#listen(node, 0, features));
    return this;
  }

  async restart(node: number): Promise<void> {
    this.servers[node] = await this.#listen(node, this.port(node), ['cluster']);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  port(node: number): number {
    return (this.servers[node] as ScriptedServer).port;
  }

  address(node: number): string {
    return `127.0.0.1:${this.port(node)}`;
  }

  /** As CLUSTER SLOTS has it. */
  slots(ranges = this.ranges): unknown {
    return ranges.map(([first, last, ...nodes]) => [
      first,
      last,
      ...nodes.map((node) => ['127.0.0.1', this.port(node), `${node}`.padStart(40, '0')]),
    ]);
  }

  ownersOf(key: unknown): readonly number[] {
    const bytes = Buffer.from(String(key));
    const slot = slotOf(bytes, 0, bytes.length);
    const [, , ...nodes] = this.ranges.find(([first, last]) => slot >= first && slot <= last) ?? [0, 0, -1];
    return nodes;
  }

  /** Nodes that ran calls of this method. */
  nodesOf(method: string): number[] {
    return this.served.filter((each) => each.method === method && each.outcome === 'ran').map(({ node }) => node);
  }

  get redirected(): number {
    return this.served.filter(({ outcome }) => outcome === 'moved').length;
  }

  #listen(node: number, port: number, features: readonly string[]): Promise<ScriptedServer> {
    return startScriptedServer(
      (request) => this.#onRequest(node, request),
      (request) => {
        const { redirects = false, readsReplicas = false } = (request.params[0] ?? {}) as Partial<Greeted>;
        this.#greeted.set(request.socket, { redirects, readsReplicas });
        answer(request, { server: 'scripted', limits: {}, features });
      },
      port,
    );
  }

  #onRequest(node: number, request: RpcRequest): void {
    const { method, params, socket } = request;
    if (this.intercept(node, request)) return;
    if (method === 'cluster slots') {
      this.maps.push(node);
      answer(request, this.mapOf(node));
      return;
    }
    if (method === 'batch') {
      const operations = params as readonly (readonly [string, unknown[]])[];
      const results = operations.map(([name, words]) => {
        const moved = this.#movedFor(node, name, words, socket);
        return moved === null ? [null, this.#run(node, name, words)] : [movedError(moved), null];
      });
      answer(request, results);
      return;
    }
    const moved = this.#movedFor(node, method, params, socket);
    if (moved === null) answer(request, this.#run(node, method, params, socket));
    else if (moved === '') refuse(request, 'cluster-down', true);
    else refuseWith(request, movedError(moved));
  }

  /** Null: this node runs it. Empty: nobody can. */
  #movedFor(node: number, method: string, params: readonly unknown[], socket: Socket): string | null {
    const keys = keysOf(method, params);
    const greeted = this.#greeted.get(socket);
    for (const key of keys) {
      const [primary = -1, ...replicas] = this.ownersOf(key);
      if (primary < 0) return '';
      const isRead = method === 'get' || method === 'mget' || method === 'exists';
      if (greeted?.redirects !== true || primary === node) continue;
      if (greeted.readsReplicas && isRead && replicas.includes(node)) continue;
      this.served.push({ node, method, params, outcome: 'moved' });
      const bytes = Buffer.from(String(key));
      return `${slotOf(bytes, 0, bytes.length)} ${this.address(primary)}`;
    }
    return null;
  }

  #run(node: number, method: string, params: readonly unknown[], socket?: Socket): unknown {
    this.served.push({ node, method, params, outcome: 'ran' });
    const [key, value] = params.map(String) as [string, string];
    switch (method) {
      case 'get':
        return this.values.get(key) ?? null;
      case 'set':
        this.values.set(key, params[1]);
        return 'OK';
      case 'mget':
        return params.map((each) => this.values.get(String(each)) ?? null);
      case 'mset':
        for (let at = 0; at < params.length; at += 2) this.values.set(String(params[at]), params[at + 1]);
        return 'OK';
      case 'del':
        return params.filter((each) => this.values.delete(String(each))).length;
      case 'exists':
        return params.filter((each) => this.values.has(String(each))).length;
      case 'incrby': {
        const sum = Number(this.values.get(key) ?? 0) + Number(value);
        this.values.set(key, sum);
        return sum;
      }
      case 'subscribe':
        if (socket !== undefined) this.subscribers.push({ node, socket });
        return params.length;
      default:
        return 'PONG';
    }
  }
}

function keysOf(method: string, params: readonly unknown[]): readonly unknown[] {
  if (method === 'mset') return params.filter((_, index) => index % 2 === 0);
  if (method === 'mget' || method === 'del' || method === 'exists') return params;
  // The key of OBJECT ENCODING and its like stands behind a word.
  if (method === 'object') return params.slice(1, 2);
  return method === 'get' || method === 'set' || method === 'incrby' ? params.slice(0, 1) : [];
}

function movedError(message: string): unknown {
  return { code: 'moved', message, retryable: true };
}
