import type { Key } from '../values.ts';
import type { NearSource } from './near-source.ts';

/** What is known of one key. */
export interface NearFacts {
  readonly key: Key;
  /** As `nameOfKey` tells it. */
  readonly name: string;
  /** Null: there is no such key. */
  readonly value: unknown;
  /** 0: there is no such key. */
  readonly version: number;
  readonly contentType: string | null;
  /** When the server has the key expire, by `performance.now`; Infinity: it does not. */
  readonly expiresMs: number;
  /** Up to when it may be answered. */
  readonly keptUntilMs: number;
  /** Names of the tags that the entry bears. */
  readonly tags: readonly string[];
  /** The connection that it was read by. */
  readonly source: NearSource;
  /** Of the key, in a cluster; else 0. */
  readonly slot: number;
  /** What it takes of memory. */
  readonly bytes: number;
}

/** {@link NearFacts} in their place among others. */
class NearEntry {
  readonly facts: NearFacts;
  /** It was asked for since eviction last looked at it. */
  isVisited = false;
  newer: NearEntry | null = null;
  older: NearEntry | null = null;

  constructor(facts: NearFacts) {
    this.facts = facts;
  }
}

/**
 * What is kept, within limits of count and bytes. To make room the oldest entry leaves that was not asked for since this
 * was last looked at: a hit costs a flag, and a scan over many keys does not drive out what is asked for often.
 *
 * The source: "SIEVE is Simpler than LRU", Zhang et al., NSDI 2024.
 */
export class NearEntries {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #entries = new Map<string, NearEntry>();
  readonly #byTag = new Map<string, Set<NearEntry>>();
  #newest: NearEntry | null = null;
  #oldest: NearEntry | null = null;
  /** Where eviction goes on looking, towards newer ones; null: at the oldest. */
  #hand: NearEntry | null = null;
  #bytes = 0;

  constructor(entriesMax: number, bytesMax: number) {
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get tagCount(): number {
    return this.#byTag.size;
  }

  get(name: string): NearEntry | undefined {
    return this.#entries.get(name);
  }

  /** In place of what was known of that key. What is too large for all of the memory is not kept. */
  put(facts: NearFacts): void {
    this.delete(facts.name);
    if (facts.bytes > this.#bytesMax) return;
    while (this.#entries.size >= this.#entriesMax || this.#bytes + facts.bytes > this.#bytesMax) this.#evict();
    const entry = new NearEntry(facts);
    entry.older = this.#newest;
    if (this.#newest !== null) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
    this.#entries.set(facts.name, entry);
    this.#bytes += facts.bytes;
    for (const tag of facts.tags) {
      const bearers = this.#byTag.get(tag);
      if (bearers === undefined) this.#byTag.set(tag, new Set([entry]));
      else bearers.add(entry);
    }
  }

  /** Whether there was one. */
  delete(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Removes the entries that bear a tag; answers how many there were. */
  deleteTag(tag: string): number {
    const bearers = this.#byTag.get(tag);
    if (bearers === undefined) return 0;
    const count = bearers.size;
    for (const entry of [...bearers]) this.#remove(entry);
    return count;
  }

  /** Looks at entries until one is wanted. */
  find(isWanted: (facts: NearFacts) => boolean): NearFacts | undefined {
    for (const { facts } of this.#entries.values()) if (isWanted(facts)) return facts;
    return undefined;
  }

  /** Looks at every entry; answers how many were removed. */
  deleteWhere(isUnwanted: (facts: NearFacts) => boolean): number {
    let count = 0;
    for (const entry of this.#entries.values()) {
      if (!isUnwanted(entry.facts)) continue;
      this.#remove(entry);
      count++;
    }
    return count;
  }

  clear(): void {
    this.#entries.clear();
    this.#byTag.clear();
    this.#newest = null;
    this.#oldest = null;
    this.#hand = null;
    this.#bytes = 0;
  }

  #evict(): void {
    let entry = this.#hand ?? this.#oldest;
    while (entry?.isVisited) {
      entry.isVisited = false;
      entry = entry.newer ?? this.#oldest;
    }
    if (entry === null) return;
    this.#hand = entry;
    this.#remove(entry);
  }

  #remove(entry: NearEntry): void {
    const { newer, older, facts } = entry;
    if (this.#hand === entry) this.#hand = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    this.#entries.delete(facts.name);
    this.#bytes -= facts.bytes;
    for (const tag of facts.tags) {
      const bearers = this.#byTag.get(tag);
      if (bearers === undefined) continue;
      bearers.delete(entry);
      if (bearers.size === 0) this.#byTag.delete(tag);
    }
  }
}
