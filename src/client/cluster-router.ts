import type { Call } from './call.ts';
import { CallQueue } from './call-queue.ts';
import { type ConnectionObserver, RpcConnection } from './connection.ts';
import { ClosedError, ConnectionError, type FluxCacheError, ReplyError } from './errors.ts';
import type { ClientEventTarget } from './events.ts';
import { MapKeeper, type MapObserver } from './map-keeper.ts';
import type { MapSource } from './map-loader.ts';
import type { NearCache } from './near-cache/near-cache.ts';
import { addressText, movedTo, type NodeAddress } from './node-address.ts';
import type { Endpoint, ResolvedOptions } from './options.ts';
import { Pool, type PoolOwner } from './pool.ts';
import type { Advice, Router } from './router.ts';
import { type SlotMap, type SlotOwners, slotOfKey } from './slot-map.ts';
import type { Key } from './values.ts';

const WATCH_MS = 500;
/** A node that is silent for so long is asked about, and given up if others have taken its place. */
const SILENT_MS = 1000;
/** A call that was redirected so often goes to where it is told, to a node that passes it on, and then after pauses. */
const REDIRECTS_AT_ONCE = 2;
const REDIRECTS_MAX = 6;
/** Refusals of a cluster that has to heal or of a node that is about to go, and those that say so of the map as well. */
const passing: ReadonlySet<string> = new Set(['overloaded', 'too-few-copies']);
const doubtful: ReadonlySet<string> = new Set(['cluster-down', 'try-again', 'not-ready', 'shutting-down']);
/** The map is not for this user, or the server has none: it passes on what is not its own. */
const mapless: ReadonlySet<string> = new Set(['forbidden', 'unknown-command']);

/** A connection for subscriptions, and where to. */
interface Subscriber {
  readonly address: string;
  readonly connection: RpcConnection;
}

/**
 * Of several nodes that share the keys: a call goes to the node that has its key, by a map of slots that any of them
 * tells. `unknown -> cluster` once there is a map, or `unknown -> single` when the first answer says that there is just one
 * node; calls wait for that. Calls without a key go to any node, on connections of their own (`home`), on which no node
 * redirects: there, every call succeeds that can succeed at all, and so does one that was redirected twice.
 *
 * The map is asked for again when a node says that it is wrong, when connections are lost, while a node is silent, and
 * every 30 s. When it has changed, calls that wait go to where they belong now.
 */
export class ClusterRouter implements Router, PoolOwner, MapObserver {
  onChange: () => void = () => undefined;
  readonly #options: ResolvedOptions;
  readonly #events: ClientEventTarget;
  readonly #near: NearCache | null;
  #state: 'unknown' | 'single' | 'cluster' | 'closed' = 'unknown';
  #map: SlotMap | null = null;
  readonly #home: Pool;
  #homeAt: NodeAddress | null = null;
  /** By address: those that are asked for their own keys, and those for copies of others'. */
  readonly #primaries = new Map<string, Pool>();
  readonly #replicas = new Map<string, Pool>();
  readonly #addresses = new Map<Pool, NodeAddress>();
  /** Calls that wait for the first map. */
  readonly #early: CallQueue;
  /** Pools of nodes that the map does not name any longer, which end with what is in flight. */
  readonly #retired = new Set<Pool>();
  /** Nodes that were primaries once, and are not by the present map. */
  readonly #lapsed = new Set<string>();
  readonly #keeper: MapKeeper;
  #noMapError: FluxCacheError | undefined;
  #readyWaiters: { resolve: () => void; reject: (error: FluxCacheError) => void }[] = [];
  #watchTimer: NodeJS.Timeout | undefined;
  #subscriber: Subscriber | null = null;
  #turn = Math.floor(Math.random() * 2 ** 30);

  constructor(options: ResolvedOptions, events: ClientEventTarget, near: NearCache | null = null) {
    this.#options = options;
    this.#events = events;
    this.#near = near;
    this.#early = new CallQueue(options.queue);
    this.#home = new Pool(options, events, this, near);
    this.#keeper = new MapKeeper(this);
  }

  submit(call: Call): void {
    if (this.#state === 'single') this.#home.submit(call);
    else if (this.#map !== null) this.#poolFor(call, this.#map).submit(call);
    else {
      this.#early.add(call);
      this.#begin();
    }
  }

  advise(call: Call, error: ReplyError): Advice {
    if (this.#map === null) return 'final';
    if (error.code === 'moved') return this.#redirect(call, error, this.#map);
    call.detour = null;
    if (doubtful.has(error.code)) this.#keeper.refresh();
    return doubtful.has(error.code) || passing.has(error.code) ? 'passing' : 'final';
  }

  get isSpread(): boolean {
    return this.#map !== null;
  }

  placeOf(key: Key): string {
    const owners = this.#map?.ownersOf(slotOfKey(key)) ?? null;
    return owners === null ? '' : addressText(owners.primary);
  }

  whyNotReady(call: Call): FluxCacheError | undefined {
    if (this.#map !== null) return this.#poolFor(call, this.#map).whyNotReady();
    return this.#home.whyNotReady() ?? this.#noMapError;
  }

  openSubscriber(observer: ConnectionObserver): RpcConnection {
    const endpoint = this.#endpointAt(this.#pickNode(this.#subscriber?.address));
    const connection = new RpcConnection(endpoint, observer);
    this.#subscriber = { address: addressText(endpoint), connection };
    return connection;
  }

  async ready(): Promise<void> {
    if (this.#state === 'unknown') {
      await new Promise<void>((resolve, reject) => {
        this.#readyWaiters.push({ resolve, reject });
        this.#begin();
      });
    }
    await this.#home.ready();
  }

  doubt(): void {
    for (const pool of this.#pools()) pool.doubt();
    if (this.#state === 'cluster') this.#keeper.refresh();
  }

  end(): void {
    this.#close(new ClosedError());
    for (const pool of this.#pools()) pool.end();
  }

  destroy(error: FluxCacheError): void {
    this.#close(error);
    for (const call of this.#early.takeAll()) call.onLost(error);
    for (const pool of this.#pools()) pool.destroy(error);
  }

  nextEndpoint(pool: Pool): Endpoint {
    const address = this.#addresses.get(pool);
    if (address !== undefined) {
      return this.#endpointAt(address, true, this.#replicas.get(addressText(address)) === pool);
    }
    const failed = this.#homeAt;
    this.#homeAt = this.#pickNode(failed === null ? undefined : addressText(failed));
    return this.#endpointAt(this.#homeAt);
  }

  onConnected(pool: Pool, connection: RpcConnection): void {
    if (pool !== this.#home || this.#state === 'cluster') return;
    if (connection.isInCluster) this.#keeper.refresh();
    else if (this.#state === 'unknown') this.#settle('single', null);
  }

  onDisconnected(_pool: Pool, _connection: RpcConnection, error: FluxCacheError): void {
    if (this.#state === 'cluster') this.#keeper.refresh();
    else if (this.#state === 'unknown') this.#failEarly(error);
  }

  /** Nodes a connection to is there first, in an order that is another one each time. */
  sources(): MapSource[] {
    const sources = new Map<string, MapSource>();
    const add = (address: NodeAddress, pool: Pool | null) => {
      const text = addressText(address);
      if (!sources.has(text)) sources.set(text, { endpoint: this.#endpointAt(address), pool });
    };
    const nowMs = performance.now();
    const isWell = (pool: Pool) => pool.isReady && pool.silentMs(nowMs) < SILENT_MS;
    for (const [pool, address] of shuffled([...this.#addresses])) if (isWell(pool)) add(address, pool);
    // Whoever asks for the map may be taken for one that wants redirects: not on the connections that must not have them.
    if (this.#homeAt !== null && isWell(this.#home)) add(this.#homeAt, null);
    for (const address of shuffled(this.#map?.nodes ?? [])) add(address, null);
    for (const address of shuffled(this.#options.seeds)) add(address, null);
    return [...sources.values()];
  }

  onMap(map: SlotMap): boolean {
    const before = this.#map;
    this.#noMapError = undefined;
    if (before?.equals(map)) return false;
    this.#map = map;
    this.#near?.onMap(map);
    for (const address of before?.primaries() ?? []) this.#lapsed.add(address);
    for (const address of map.primaries()) this.#lapsed.delete(address);
    this.#events.emit('topology', { nodes: map.nodes });
    this.#settle('cluster', map);
    return true;
  }

  onNoMap(error: FluxCacheError): boolean {
    this.#noMapError = error;
    if (this.#state === 'unknown') {
      if (error instanceof ReplyError && mapless.has(error.code)) this.#settle('single', null);
      else this.#failEarly(error);
    }
    return this.#state === 'cluster' || this.#early.size > 0;
  }

  *#pools(): Generator<Pool> {
    yield this.#home;
    yield* this.#primaries.values();
    yield* this.#replicas.values();
    yield* this.#retired;
  }

  #poolFor(call: Call, map: SlotMap): Pool {
    const { detour, operation, isWrite } = call;
    if (detour !== null) return detour === 'home' ? this.#home : this.#poolAt(this.#primaries, detour);
    if (operation.key === null) return this.#home;
    const owners = map.ownersOf(slotOfKey(operation.key));
    if (owners === null) return this.#home;
    if (isWrite || this.#options.readFrom === 'primary') return this.#poolAt(this.#primaries, owners.primary);
    return this.#readPool(owners);
  }

  /** The least busy of those that may be asked, in turns among equals, and no lost one unless all are. */
  #readPool({ primary, replicas }: SlotOwners): Pool {
    const pools = replicas.map((replica) => this.#poolAt(this.#replicas, replica)).filter((pool) => !pool.isFailing);
    if (pools.length === 0 || this.#options.readFrom === 'any') pools.push(this.#poolAt(this.#primaries, primary));
    let best = pools[this.#turn++ % pools.length] as Pool;
    for (const pool of pools) if (isBetter(pool, best)) best = pool;
    return best;
  }

  #poolAt(pools: Map<string, Pool>, address: NodeAddress): Pool {
    const text = addressText(address);
    let pool = pools.get(text);
    if (pool === undefined) {
      pool = new Pool(this.#options, this.#events, this, this.#near);
      pools.set(text, pool);
      this.#addresses.set(pool, address);
    }
    return pool;
  }

  #redirect(call: Call, error: ReplyError, map: SlotMap): Advice {
    const told = movedTo(error);
    call.redirects++;
    call.detour = 'home';
    if (told !== null && told.host !== '') {
      const primary = map.ownersOf(told.slot)?.primary;
      if (primary === undefined || addressText(primary) !== addressText(told)) {
        map.correct(told.slot, told);
        this.#near?.onMoved(told.slot);
        this.#keeper.refresh(true);
      }
      if (call.redirects !== REDIRECTS_AT_ONCE) call.detour = told;
    } else this.#keeper.refresh();
    if (call.redirects > REDIRECTS_MAX) return 'final';
    return call.redirects <= REDIRECTS_AT_ONCE ? 'again' : 'passing';
  }

  /** Some node that is likely to be there; another than `failed` if there is one. */
  #pickNode(failed: string | undefined): NodeAddress {
    const primaries = this.#map?.primaries();
    const all = this.#map?.nodes.filter((node) => primaries?.has(addressText(node))) ?? this.#options.seeds;
    const others = all.filter((node) => addressText(node) !== failed);
    const alive = others.filter((node) => this.#primaries.get(addressText(node))?.isFailing !== true);
    const choice = alive.length > 0 ? alive : others.length > 0 ? others : all;
    return choice[this.#turn++ % choice.length] ?? this.#options.endpoint;
  }

  #endpointAt({ host, port }: NodeAddress, wantsRedirects = false, isReadOnly = false): Endpoint {
    return { ...this.#options.endpoint, host, port, wantsRedirects, isReadOnly };
  }

  /** Finds out what there is. */
  #begin(): void {
    if (this.#options.cluster === 'auto' && !this.#home.isReady) this.#home.connect();
    else this.#keeper.refresh();
  }

  /** Lets all calls that wait go to where they belong now. */
  #settle(state: 'single' | 'cluster', map: SlotMap | null): void {
    this.#state = state;
    const calls = this.#early.takeAll();
    for (const pool of this.#pools()) calls.push(...pool.takeWaiting());
    // What a node told of one key is newer than the map of another node, but of no use if nobody is there.
    for (const call of calls) if (call.detour !== null && this.#isLost(call.detour)) call.detour = null;
    if (map !== null) this.#retire(map);
    for (const call of calls) this.submit(call);
    this.#tellReady(null);
    if (map === null) return;
    this.#watchTimer ??= setInterval(() => this.#watch(), WATCH_MS).unref();
    this.onChange();
  }

  #isLost(node: NodeAddress | 'home'): boolean {
    return node !== 'home' && this.#primaries.get(addressText(node))?.isFailing === true;
  }

  /** Whoever is refused now will be refused again: the calls are told. What else goes wrong may pass. */
  #failEarly(error: FluxCacheError): void {
    this.#tellReady(error);
    if (error instanceof ConnectionError || error.retryable || !(error instanceof ReplyError)) return;
    for (const call of this.#early.takeAll()) call.onLost(error);
  }

  /** Lets connections end that the map has no use for. */
  #retire(map: SlotMap): void {
    const primaries = map.primaries();
    const all = new Set(map.nodes.map(addressText));
    for (const [pools, known] of [[this.#primaries, primaries] as const, [this.#replicas, all] as const]) {
      for (const [address, pool] of pools) {
        if (known.has(address)) continue;
        pools.delete(address);
        this.#addresses.delete(pool);
        this.#retired.add(pool);
        pool.end();
      }
    }
    const { address = '', connection } = this.#subscriber ?? {};
    if (this.#lapsed.has(address)) connection?.destroy(lapsedError());
  }

  /** Looks for nodes that have died without a word. */
  #watch(): void {
    const nowMs = performance.now();
    for (const pool of this.#pools()) {
      if (this.#retired.has(pool) && pool.load === 0) this.#retired.delete(pool);
      if (pool.silentMs(nowMs) < SILENT_MS) continue;
      const address = this.#addresses.get(pool) ?? this.#homeAt;
      if (this.#retired.has(pool)) pool.destroy(lapsedError());
      else if (address !== null && this.#lapsed.has(addressText(address))) pool.dropSilent(nowMs, SILENT_MS);
      else this.#keeper.refresh();
    }
  }

  #tellReady(error: FluxCacheError | null): void {
    const waiters = this.#readyWaiters;
    this.#readyWaiters = [];
    for (const { resolve, reject } of waiters) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  #close(error: FluxCacheError): void {
    this.#state = 'closed';
    this.#keeper.stop();
    clearInterval(this.#watchTimer);
    this.#tellReady(error);
  }
}

function lapsedError(): ConnectionError {
  return new ConnectionError('connection', 'Other nodes have taken the place of this one.', { retryable: true });
}

function isBetter(one: Pool, other: Pool): boolean {
  return one.isFailing === other.isFailing ? one.load < other.load : other.isFailing;
}

function shuffled<T>(items: readonly T[]): T[] {
  const list = [...items];
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}
