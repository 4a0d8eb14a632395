import type { FluxCacheError } from '../errors.ts';
import { nameOfKey } from '../key-name.ts';
import { keysWritten } from '../keys-written.ts';
import { addressText } from '../node-address.ts';
import { isKey, type Operation } from '../operation.ts';
import { type Entry, operations } from '../operations.ts';
import { isRecord } from '../reply-error.ts';
import type { AnswerSource } from '../request.ts';
import { type SlotMap, slotOfKey } from '../slot-map.ts';
import type { Key } from '../values.ts';
import { NearEntries, type NearFacts } from './near-entries.ts';
import type { NearCacheLimits } from './near-options.ts';
import { NearSource, type TrackedConnection } from './near-source.ts';
import { bytesOfValue, copyOfValue } from './near-value.ts';

/** Of an entry beside its key, its value and its tags. */
const ENTRY_BYTES = 320;
const TAG_BYTES = 160;

/** Beyond so many tags invalidated while reads are under way, nothing of these is kept. */
const RECENT_TAGS_MAX = 10_000;

/** Reads of one key that are under way; void: what they bring may be old by now, and is not kept. */
interface Load {
  isVoid: boolean;
  count: number;
  /** Invalidations of tags that had arrived when the first of them began. */
  readonly tagTurn: number;
  /** Of the key; null: there was no map when they began. */
  readonly slot: number | null;
}

/** What a near cache has done so far, and holds. */
export interface NearCacheFacts {
  readonly hits: number;
  readonly misses: number;
  /** Entries dropped because the server told so, this client wrote, or a connection or the key's place was lost. */
  readonly invalidated: number;
  readonly entries: number;
  /** Memory of the entries, estimated from above. */
  readonly bytes: number;
}

/**
 * What a client has read, kept for as long as the servers tell of its changes (CLIENT TRACKING, one for each connection).
 *
 * 1. What is kept was read by a connection whose server had agreed to tell before, and served the key itself. Such a server
 *    tells of a change before it acknowledges it, and again behind replies that it owes.
 * 2. Whatever is told, is dropped at once, and reads of it that are under way are not kept: so nothing is answered that is
 *    older than an invalidation that has arrived.
 * 3. What was read by a connection that is lost is dropped, and so is what another node serves by now, by the map of slots
 *    or by what either node tells.
 * 4. A server that gives no sign of life for `silenceMax` is not believed: nothing that was read from it is answered
 *    until it has answered a request. So is nothing while this process was not able to listen.
 * 5. Own writes drop their keys when they are made, and again before their caller is told of their end.
 */
export class NearCache {
  /** Told of servers that refuse to track. */
  onRefused: (error: FluxCacheError) => void = () => undefined;
  readonly #limits: NearCacheLimits;
  readonly #nowMs: () => number;
  readonly #entries: NearEntries;
  readonly #loads = new Map<string, Load>();
  /** Tags invalidated since reads are under way, and the turn of each. */
  readonly #recentTags = new Map<string, number>();
  #tagTurn = 0;
  readonly #sources = new Map<AnswerSource, NearSource>();
  #map: SlotMap | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #hits = 0;
  #misses = 0;
  #invalidated = 0;

  /** `nowMs` never goes back. */
  constructor(limits: NearCacheLimits, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#entries = new NearEntries(limits.entriesMax, limits.bytesMax);
  }

  get facts(): NearCacheFacts {
    return {
      hits: this.#hits,
      misses: this.#misses,
      invalidated: this.#invalidated,
      entries: this.#entries.size,
      bytes: this.#entries.bytes,
    };
  }

  /** What is known of a key; null: it is to be read. Its value is not to be handed out, nor changed. */
  find(key: Key): NearFacts | null {
    const name = nameOfKey(key);
    const entry = this.#entries.get(name);
    if (entry !== undefined) {
      const { facts } = entry;
      const nowMs = this.#nowMs();
      if (nowMs >= facts.keptUntilMs) this.#entries.delete(name);
      else if (nowMs - facts.source.currentMs <= this.#limits.silenceMax) {
        entry.isVisited = true;
        this.#hits++;
        return facts;
      }
    }
    this.#misses++;
    return null;
  }

  /** Reads a key by `run`, and keeps what it brings. */
  load<T>(
    key: Key,
    run: (operation: Operation<Entry<T> | null>) => Promise<Entry<T> | null>,
  ): Promise<Entry<T> | null> {
    const name = nameOfKey(key);
    const load = this.#begin(name, key);
    const beganMs = this.#nowMs();
    const plain = operations.entry<T>(key);
    const { method, params, safety } = plain;
    const end = (): void => this.#end(name, load);
    const decode = (result: unknown, from?: AnswerSource): Entry<T> | null => {
      const entry = plain.decode(result);
      const source = this.#sourceOf(from);
      if (source !== undefined) {
        source.heard(beganMs);
        const tags = tagsOf(result);
        if (!this.#isOvertaken(load, tags)) this.#keep(key, name, entry, tags, source, beganMs);
      }
      return entry;
    };
    const outcome = run({ method, params, key, safety, decode });
    // Ended either way, and without another promise on the way of the answer.
    outcome.then(end, end);
    return outcome;
  }

  /** Forgets everything. */
  clear(): void {
    this.#invalidated += this.#entries.size;
    this.#entries.clear();
    this.#voidLoads();
  }

  /** Forgets everything, and keeps nothing any more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.clear();
  }

  // What connections tell of.

  /** A connection is ready, and nothing was sent by it. Nodes that pass calls on do not track what others answer. */
  attach(connection: TrackedConnection): void {
    const { wantsRedirects, isReadOnly } = connection.endpoint;
    if (this.#isClosed || isReadOnly || (connection.isInCluster && !wantsRedirects)) return;
    const source = new NearSource(connection, this.#nowMs);
    this.#sources.set(connection, source);
    source.begin(this.onRefused);
    this.#timer ??= setInterval(() => this.look(), this.#limits.silenceMax / 3).unref();
  }

  /** The connection is lost. */
  detach(connection: TrackedConnection): void {
    const source = this.#sources.get(connection);
    if (source === undefined) return;
    this.#sources.delete(connection);
    source.isOn = false;
    this.#drop((facts) => facts.source === source);
  }

  /** Something came unasked: what is no invalidation is passed over. */
  onNotification(method: string, params: readonly unknown[]): void {
    const [what] = params;
    if (method === 'invalidate') {
      if (!Array.isArray(what)) this.clear();
      else for (const key of what) if (isKey(key)) this.#dropKey(nameOfKey(key));
    } else if (method === 'invalidate-tags') {
      if (Array.isArray(what)) for (const tag of what) if (isKey(tag)) this.#dropTag(tag);
    } else if (method === 'invalidate-slots') {
      const ranges = rangesOf(what);
      if (ranges === null) this.clear();
      else this.#dropSlots((slot) => ranges.some(([first, last]) => slot >= first && slot <= last));
    }
  }

  /** Asks servers for a sign of life, without which nothing of theirs is answered for long. Called now and then. */
  look(): void {
    for (const source of this.#sources.values()) {
      if (this.#entries.size === 0 || !source.isDue) continue;
      source.exampleKey ??= this.#entries.find((facts) => facts.source === source)?.key ?? null;
      source.ask();
    }
  }

  // What the router tells of.

  /** Which node serves what, from now on. */
  onMap(map: SlotMap): void {
    const before = this.#map;
    this.#map = map;
    // What reads under way bring may be from before a move that is undone by the time it arrives.
    if (before !== null) {
      for (const [name, { slot }] of this.#loads) {
        if (slot === null || ownerOf(before, slot) !== ownerOf(map, slot)) this.#voidLoad(name);
      }
    }
    this.#drop(({ slot, source }) => !isServedBy(map, slot, source.address));
  }

  /** A slot is another node's than was thought. */
  onMoved(slot: number): void {
    this.#dropSlots((each) => each === slot);
  }

  // What the client tells of.

  /** A write is about to be made, or has ended. */
  onWrite(operation: Operation<unknown>): void {
    if (operation.method === 'invalidate') {
      for (const word of operation.params) if (isKey(word)) this.#dropTag(word);
      return;
    }
    const keys = keysWritten(operation);
    if (keys === null) this.clear();
    else for (const key of keys) this.#dropKey(nameOfKey(key));
  }

  #begin(name: string, key: Key): Load {
    let load = this.#loads.get(name);
    if (load === undefined) {
      const slot = this.#map === null ? null : slotOfKey(key);
      load = { isVoid: false, count: 0, tagTurn: this.#tagTurn, slot };
      this.#loads.set(name, load);
    }
    load.count++;
    return load;
  }

  #end(name: string, load: Load): void {
    load.count--;
    if (load.count === 0 && this.#loads.get(name) === load) this.#loads.delete(name);
    if (this.#loads.size === 0) this.#recentTags.clear();
  }

  #sourceOf(from: AnswerSource | undefined): NearSource | undefined {
    const source = from === undefined ? undefined : this.#sources.get(from);
    return source?.isOn === true ? source : undefined;
  }

  /** Whether what was told since the load began may be newer than what it brings. */
  #isOvertaken(load: Load, tags: readonly string[]): boolean {
    return load.isVoid || tags.some((tag) => (this.#recentTags.get(tag) ?? 0) > load.tagTurn);
  }

  #keep(
    key: Key,
    name: string,
    entry: Entry<unknown> | null,
    tags: readonly string[],
    source: NearSource,
    beganMs: number,
  ): void {
    const map = this.#map;
    const slot = map === null ? 0 : slotOfKey(key);
    if (this.#isClosed || (map !== null && !isServedBy(map, slot, source.address))) return;
    // Another connection may have brought a newer one meanwhile.
    const present = this.#entries.get(name)?.facts;
    if (entry !== null && present !== undefined && present.version > entry.version) return;
    const { value = null, version = 0, ttlMs = null, contentType = null } = entry ?? {};
    // From when it was asked for: it ends here no later than there.
    const expiresMs = ttlMs === null ? Number.POSITIVE_INFINITY : beganMs + ttlMs;
    const nowMs = this.#nowMs();
    const keptUntilMs = Math.min(expiresMs, nowMs + this.#limits.ttlMax);
    if (nowMs >= keptUntilMs) return;
    let tagBytes = 0;
    for (const tag of tags) tagBytes += TAG_BYTES + 2 * tag.length;
    source.exampleKey = key;
    this.#entries.put({
      key,
      name,
      value: copyOfValue(value, true),
      version,
      contentType,
      expiresMs,
      keptUntilMs,
      tags,
      source,
      slot,
      bytes: ENTRY_BYTES + 2 * name.length + tagBytes + bytesOfValue(value),
    });
  }

  #dropKey(name: string): void {
    this.#voidLoad(name);
    if (this.#entries.delete(name)) this.#invalidated++;
  }

  #dropTag(tag: Key): void {
    const name = nameOfKey(tag);
    this.#invalidated += this.#entries.deleteTag(name);
    if (this.#loads.size === 0) return;
    // Which of the keys that are under way bear it is not known yet.
    if (this.#recentTags.size >= RECENT_TAGS_MAX) this.#voidLoads();
    this.#recentTags.set(name, ++this.#tagTurn);
  }

  #dropSlots(isMoved: (slot: number) => boolean): void {
    // Without a map, entries have no slots: a node that has become one of a cluster.
    if (this.#map === null) this.clear();
    else {
      this.#voidLoads();
      this.#drop(({ slot }) => isMoved(slot));
    }
  }

  #drop(isUnwanted: (facts: NearFacts) => boolean): void {
    this.#invalidated += this.#entries.deleteWhere(isUnwanted);
  }

  #voidLoad(name: string): void {
    const load = this.#loads.get(name);
    if (load === undefined) return;
    load.isVoid = true;
    this.#loads.delete(name);
  }

  #voidLoads(): void {
    for (const load of this.#loads.values()) load.isVoid = true;
    this.#loads.clear();
    this.#recentTags.clear();
  }
}

function isServedBy(map: SlotMap, slot: number, address: string): boolean {
  return ownerOf(map, slot) === address;
}

/** The address of the node that serves a slot; null: none does. */
function ownerOf(map: SlotMap, slot: number): string | null {
  const owners = map.ownersOf(slot);
  return owners === null ? null : addressText(owners.primary);
}

const noTags: readonly string[] = [];

function tagsOf(result: unknown): readonly string[] {
  const tags = isRecord(result) ? result['tags'] : undefined;
  if (tags === undefined) return noTags;
  return Array.isArray(tags) ? tags.filter(isKey).map(nameOfKey) : noTags;
}

/** Null: it is not of the form that a server tells. */
function rangesOf(what: unknown): readonly (readonly [number, number])[] | null {
  if (!Array.isArray(what)) return null;
  const ranges: [number, number][] = [];
  for (const range of what) {
    if (!Array.isArray(range)) return null;
    const [first, last] = range as unknown[];
    if (typeof first !== 'number' || typeof last !== 'number') return null;
    ranges.push([first, last]);
  }
  return ranges;
}
