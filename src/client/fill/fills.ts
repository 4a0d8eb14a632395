import type { Codec } from '../codec.ts';
import { AbortError, ClosedError } from '../errors.ts';
import { nameOfKey } from '../key-name.ts';
import { keysWritten } from '../keys-written.ts';
import type { Operation } from '../operation.ts';
import type { Key } from '../values.ts';
import { isStoreOfFill } from './fill-operations.ts';
import { type FillPlan, fillPlanOf, type GetOrSetOptions, type Loader } from './fill-options.ts';
import type { FillPort } from './fill-port.ts';
import { Filling } from './filling.ts';
import { Flight, type FlightOwner } from './flight.ts';
import { Outage } from './outage.ts';

/** How often somebody joins others whose value is overtaken before he asks by himself. */
const JOINS_MAX = 3;

/**
 * All that is loaded by a client. Callers of one client who want the same key share what is asked and what is loaded; those
 * of different clients are told apart by the server's tokens.
 *
 * Whoever asks after a write, a deletion or an invalidation shares nothing that was loaded from before. Of those of this
 * client that is known here. Of others' only the server knows, which then refuses to store what was loaded, and the value is
 * given to those only who asked before the loading began; what is loaded without a token it is not asked about.
 */
export class Fills implements FlightOwner {
  readonly port: FillPort;
  readonly outage = new Outage();
  readonly #codec: Codec;
  /** The last flight of each key, by its name; none of those that were overtaken by this client. */
  readonly #flights = new Map<string, Flight>();
  readonly #all = new Set<Flight>();
  /** Values that are loaded anew while the stale ones are given. */
  readonly #behind = new Set<Filling>();
  /** Counts turns of the event loop in which flights were begun, and writes. */
  #moment = 0;
  #isTurnNoted = false;
  #isClosed = false;

  constructor(port: FillPort, codec: Codec) {
    this.port = port;
    this.#codec = codec;
  }

  get isIdle(): boolean {
    return this.#all.size === 0 && this.#behind.size === 0;
  }

  /** @throws FluxCacheError `invalid-argument` for options that are not right */
  async getOrSet<T>(key: Key, loader: Loader<T>, options: GetOrSetOptions<T>): Promise<T> {
    const plan = fillPlanOf(options, this.#codec);
    const { signal } = options;
    const name = nameOfKey(key);
    for (let joins = 0; joins < JOINS_MAX; joins++) {
      this.#check(signal);
      const flight = this.#flights.get(name);
      if (flight === undefined || !this.#canJoin(flight)) break;
      const isLate = flight.isLoading;
      const { value, isOvertaken } = await flight.join(signal);
      // The caller's word: all who share a key share what is stored there.
      if (!isLate || !isOvertaken) return value as T;
    }
    this.#check(signal);
    const { value } = await this.#begin(name, key, loader, plan).join(signal);
    return value as T;
  }

  /** Told of what this client writes, before it is sent and again before its caller is told that it is done. */
  noteWrite(operation: Pick<Operation<unknown>, 'method' | 'params' | 'key'>): void {
    if (operation.method === 'getfill') return;
    // What was asked before does not know of it.
    this.#moment++;
    if (this.#flights.size === 0 || isStoreOfFill(operation)) return;
    // Tags are among what has no keys: which ones a value bears is not known before it is loaded.
    const keys = keysWritten(operation);
    if (keys === null) for (const flight of this.#flights.values()) this.#overtake(flight);
    else for (const key of keys) this.#overtake(this.#flights.get(nameOfKey(key)));
  }

  /** A node was reached. */
  noteConnected(): void {
    this.outage.clear();
  }

  revalidate(key: Key, loader: Loader<unknown>, plan: FillPlan, token: string): void {
    const filling = new Filling(this.port, key, loader, plan, token);
    this.#behind.add(filling);
    filling.outcome
      .catch((error: unknown) => {
        if (!this.#isClosed) this.port.tell({ key, during: 'revalidate', error });
      })
      .finally(() => this.#behind.delete(filling));
    // The client may have been closed while the server was asked.
    if (this.#isClosed) filling.abort(new ClosedError());
  }

  /** Begins nothing more, gives up what is loaded for nobody, and resolves when all who wait have their values. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (!this.isIdle) {
      for (const filling of this.#behind) filling.abort(new ClosedError());
      await Promise.allSettled([...this.#all, ...this.#behind].map(({ outcome }) => outcome));
    }
  }

  /** Ends all at once. */
  destroy(): void {
    this.#isClosed = true;
    for (const flight of this.#all) flight.abandon(new ClosedError());
    for (const filling of this.#behind) filling.abort(new ClosedError());
  }

  ended(flight: Flight): void {
    this.#all.delete(flight);
    if (this.#flights.get(flight.name) === flight) this.#flights.delete(flight.name);
  }

  #begin(name: string, key: Key, loader: Loader<unknown>, plan: FillPlan): Flight {
    if (!this.#isTurnNoted) {
      this.#isTurnNoted = true;
      setImmediate(this.#endTurn);
    }
    const flight = new Flight(this, name, key, loader, plan, this.#moment);
    this.#flights.set(name, flight);
    this.#all.add(flight);
    return flight;
  }

  /** What it loads may be older than what was written: those who wait are given it, and nobody joins them. */
  #overtake(flight: Flight | undefined): void {
    // Another one has yet to ask the server, or to be told to load, after this.
    if (flight?.isLoading) this.#flights.delete(flight.name);
  }

  /** What was asked in this turn has not left yet; unless something was written since, it is asked as well now as then. */
  #canJoin(flight: Flight): boolean {
    return flight.isOpen || (!flight.isOver && flight.moment === this.#moment);
  }

  readonly #endTurn = (): void => {
    this.#isTurnNoted = false;
    this.#moment++;
  };

  #check(signal: AbortSignal | undefined): void {
    if (this.#isClosed) throw new ClosedError();
    if (signal?.aborted) throw new AbortError({ cause: signal.reason });
  }
}
