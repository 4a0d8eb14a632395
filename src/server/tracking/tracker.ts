import { byteText } from '../../base/byte-text.ts';
import { ChangeKind, interestInAll } from '../../base/change.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import type { Change, ChangesListener } from '../dispatch/change-hub.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import { Invalidation, SlotInvalidation, type SlotRange, TagInvalidation } from './invalidation.ts';
import { Prefixes } from './prefixes.ts';
import { type KeyReader, TrackedKeys } from './tracked-keys.ts';

/** What tracking may use up: beyond it, readers of some key are told that it changed, and it is forgotten. */
export interface TrackerLimits {
  readonly keysMax: number;
  /** Memory of the table of keys. */
  readonly bytesMax: number;
}

/** What the tracker asks for changes: the node's `ChangeHub`. */
export interface ChangeSource {
  listen(listener: ChangesListener, interest: number): () => void;
}

/** A connection as the tracker sees it. */
export interface TrackingClient {
  readonly id: number;
  /** Null while it does not note the keys it reads. */
  readonly reader: KeyReader<TrackingClient> | null;
  /** What it must not be told of: changes by this session. Null when it is to be told of all. */
  readonly deafTo: OrderedSession | null;
  /** Whether it may know of the key, which it has not read. */
  mayBeTold(key: Uint8Array): boolean;
  invalidate(invalidation: Invalidation): void;
  /** Tells it what another client, which redirects here, is to be told. */
  receive(invalidation: Invalidation): void;
  /** All keys may have changed. */
  invalidateAll(everything: Invalidation): void;
  /** Some keys may have changed, which `part` tells of to those who can be told so, and `everything` to others. */
  invalidatePart(part: Invalidation, everything: Invalidation): void;
}

/** Keys swept in one step, and the time between two steps. */
const SWEPT_KEYS = 2000;
const SWEEP_PAUSE_MS = 10;

/**
 * Tells connections which of the keys that they read changed, for caches of their own (CLIENT TRACKING, as Redis 7.0
 * has it): https://redis.io/docs/latest/develop/reference/client-side-caching/
 *
 * A key is noted, and shards tell of changes, before it is read; a change is told before the command that made it is
 * answered. So whatever a client keeps is told of until it is old by no more than what is on its way.
 */
export class Tracker implements ChangesListener {
  readonly #source: ChangeSource;
  readonly #limits: TrackerLimits;
  readonly #keys = new TrackedKeys<TrackingClient>();
  readonly #prefixes = new Prefixes<TrackingClient>();
  /** Those that track, and all that redirections can name. */
  readonly #tracking = new Set<TrackingClient>();
  readonly #byId = new Map<number, TrackingClient>();
  #stopListening: (() => void) | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  /** Tags invalidated that the message being read has told of so far. */
  #tags: Uint8Array[] = [];

  constructor(source: ChangeSource, limits: TrackerLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** Connections that have tracking on. */
  get clientCount(): number {
    return this.#tracking.size;
  }

  /** Keys in the table, pairs of a key and its reader, prefixes: as INFO tells. */
  get keyCount(): number {
    return this.#keys.keyCount;
  }

  get itemCount(): number {
    return this.#keys.itemCount;
  }

  get prefixCount(): number {
    return this.#prefixes.size;
  }

  /** Memory of the table of keys, about. */
  get bytes(): number {
    return this.#keys.bytes;
  }

  attach(client: TrackingClient): void {
    this.#byId.set(client.id, client);
  }

  detach(client: TrackingClient): void {
    this.#byId.delete(client.id);
  }

  byId(id: number): TrackingClient | undefined {
    return this.#byId.get(id);
  }

  /** From now on shards tell of changes. */
  begin(client: TrackingClient): void {
    this.#tracking.add(client);
    this.#stopListening ??= this.#source.listen(this, interestInAll);
  }

  /** `reader` is what the client noted keys with until now. */
  end(client: TrackingClient, reader: KeyReader<TrackingClient> | null): void {
    if (!this.#tracking.delete(client)) return;
    if (reader !== null) this.#keys.leave(reader);
    if (this.#tracking.size > 0) {
      if (this.#keys.goneItems > 0) this.#sweepLater();
      return;
    }
    this.#stopListening?.();
    this.#stopListening = null;
    this.#keys.clear([]);
  }

  addPrefix(prefix: string, client: TrackingClient): void {
    this.#prefixes.add(prefix, client);
  }

  deletePrefix(prefix: string, client: TrackingClient): void {
    this.#prefixes.delete(prefix, client);
  }

  /** To be called before keys are noted: none of these is forgotten to make room for another. */
  makeRoom(keyCount: number): void {
    const keys = this.#keys;
    const { keysMax, bytesMax } = this.#limits;
    while (keys.keyCount > 0 && (keys.keyCount + keyCount > keysMax || keys.bytes > bytesMax)) {
      const victim = keys.nextVictim();
      if (victim === null) return;
      this.#tellReaders(victim, null);
    }
  }

  /** Notes that a key is about to be read. */
  note(key: string, reader: KeyReader<TrackingClient>): void {
    this.#keys.add(key, reader);
  }

  onChange(change: Readonly<Change>): void {
    if (change.kind === ChangeKind.cleared) {
      this.#tellAll();
      return;
    }
    if (change.kind === ChangeKind.invalidated) {
      this.#tags.push(copyOf(change.bytes, change.start, change.end));
      return;
    }
    if (this.#prefixes.size === 0 && this.#keys.keyCount === 0) return;
    const key = byteText(change.bytes, change.start, change.end);
    if (this.#prefixes.size > 0) this.#tellPrefixes(key, change.author);
    this.#tellReaders(key, change.author);
  }

  /** Tags that one message names are told together. */
  onMessageEnd(): void {
    if (this.#tags.length === 0) return;
    const part = new TagInvalidation(this.#tags);
    this.#tags = [];
    this.#tellPart(part);
  }

  onLost(): void {
    this.#tellAll();
  }

  /** In a cluster: this node has begun or ceased to serve keys of these slots. */
  slotsMoved(ranges: readonly SlotRange[]): void {
    this.#tellPart(new SlotInvalidation(ranges));
  }

  /** What clients have read may have been changed without this node's knowing. */
  everythingMayHaveChanged(): void {
    this.#tellAll();
  }

  #tellPrefixes(key: string, author: OrderedSession | null): void {
    let invalidation: Invalidation | null = null;
    const bytes = Buffer.from(key, 'latin1');
    this.#prefixes.match(key, (client) => {
      if ((author !== null && client.deafTo === author) || !client.mayBeTold(bytes)) return;
      invalidation ??= new Invalidation(bytes);
      client.invalidate(invalidation);
    });
  }

  #tellReaders(key: string, author: OrderedSession | null): void {
    let invalidation: Invalidation | null = null;
    let deaf: KeyReader<TrackingClient> | null = null;
    this.#keys.take(key, (reader) => {
      if (author !== null && reader.owner.deafTo === author) {
        deaf = reader;
        return;
      }
      invalidation ??= new Invalidation(Buffer.from(key, 'latin1'));
      reader.owner.invalidate(invalidation);
    });
    // Unlike Redis: who keeps what it wrote itself is told when somebody else changes it.
    if (deaf !== null) this.#keys.add(key, deaf);
  }

  #tellAll(): void {
    const readers: KeyReader<TrackingClient>[] = [];
    for (const { reader } of this.#tracking) if (reader !== null) readers.push(reader);
    this.#keys.clear(readers);
    const everything = new Invalidation(null);
    for (const client of this.#tracking) client.invalidateAll(everything);
  }

  /** Keys stay noted: who drops more than it need to is told of their next change all the same. */
  #tellPart(part: Invalidation): void {
    const everything = new Invalidation(null);
    for (const client of this.#tracking) client.invalidatePart(part, everything);
  }

  #sweepLater(): void {
    if (this.#sweeper !== null) return;
    this.#sweeper = setTimeout(() => {
      this.#sweeper = null;
      this.#keys.sweep(SWEPT_KEYS);
      if (this.#keys.goneItems > 0) this.#sweepLater();
    }, SWEEP_PAUSE_MS);
    this.#sweeper.unref();
  }
}
