import { ChangeFlag, ChangeKind, type ChangeListener } from '../src/base/change.ts';
import {
  type EntryAttributes,
  type EntryInfo,
  type FillOutcome,
  Freshness,
  type PutRequest,
  PutStatus,
  ValueType,
  type VisitKey,
  type WriteView,
} from '../src/base/view.ts';

interface ModelEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly type: ValueType;
  readonly version: number;
  readonly contentType: Uint8Array;
  expiresAtMs: number;
  readonly staleMs: number;
  /** Each as it stands in a list of tags: its length, and its bytes. */
  readonly tags: readonly Uint8Array[];
  readonly isHollow: boolean;
  fill: { readonly token: number; readonly untilMs: number; readonly version: number } | null;
}

interface Invalidation {
  readonly tag: string;
  readonly version: number;
  /** 0: hard. */
  readonly softAtMs: number;
}

/** A store as simple as can be: a Map with a clock that stands still until it is set. What the real one must equal. */
export class ModelStore implements WriteView {
  readonly entry: EntryInfo = {
    type: ValueType.string,
    valueBytes: 0,
    version: 0,
    expiresAtMs: 0,
    contentTypeBytes: 0,
    staleMs: 0,
    tagCount: 0,
    tagBytes: 0,
    fillToken: 0,
    fillUntilMs: 0,
    fillVersion: 0,
    isHollow: false,
    memoryBytes: 0,
  };
  readonly valueBytesMax: number;
  /** What `nowMs` says unless it is replaced. */
  timeMs: number;
  lastVersion = 0;
  /** Puts fail as they do when memory is full. */
  full = false;
  /** Puts that succeed before memory is full. */
  putsLeft = Number.POSITIVE_INFINITY;
  readonly keyBytesMax = 8192;
  nowMs = (): number => this.timeMs;
  #entries = new Map<string, ModelEntry>();
  changes: ChangeListener | null = null;
  /** For every open group, what was there before it, and the mark of the changes. */
  readonly #before: { readonly entries: ReadonlyMap<string, ModelEntry>; readonly mark: number }[] = [];
  #found: ModelEntry | null = null;
  /** Of all times, so that every answer follows from it. */
  readonly #invalidations: Invalidation[] = [];
  /** No more tags can be invalidated. */
  notesFull = false;
  readonly fills: Record<FillOutcome, number> = { 0: 0, 1: 0, 2: 0 };
  #random = 1;

  constructor(timeMs = 1_700_000_000_000, valueBytesMax = 8 * 1024 * 1024) {
    this.timeMs = timeMs;
    this.valueBytesMax = valueBytesMax;
  }

  /** Groups begun and not ended. */
  get openGroups(): number {
    return this.#before.length;
  }

  lookup(source: Uint8Array, start: number, end: number): boolean {
    const entry = this.#live(nameOf(source, start, end));
    if (entry === undefined) return false;
    this.#found = entry;
    this.#describe(entry);
    return true;
  }

  peek(source: Uint8Array, start: number, end: number): boolean {
    return this.lookup(source, start, end);
  }

  lookupStale(source: Uint8Array, start: number, end: number): Freshness {
    return this.peekStale(source, start, end);
  }

  noteLookup(): void {}

  peekStale(source: Uint8Array, start: number, end: number): Freshness {
    const name = nameOf(source, start, end);
    const fresh = this.#live(name);
    const entry = fresh ?? this.#entries.get(name);
    if (entry === undefined) return Freshness.none;
    this.#found = entry;
    this.#describe(entry);
    if (fresh !== undefined) return Freshness.fresh;
    return entry.isHollow ? Freshness.hollow : Freshness.stale;
  }

  copyValue(target: Uint8Array, at: number): void {
    target.set(this.#current().value, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    target.set(this.#current().value.subarray(from, from + length), at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    target.set(this.#current().contentType, at);
  }

  copyTags(target: Uint8Array, at: number): void {
    target.set(listOf(this.#current().tags), at);
  }

  /** Cursors are positions in the order of keys: sound here only while keys do not change between calls. */
  scan(cursor: number, count: number, visit: VisitKey, withStale = false): number {
    const names = [...this.#entries.keys()].sort();
    let at = cursor;
    for (; at < names.length && at - cursor < count; at++) {
      const name = names[at] as string;
      const fresh = this.#live(name);
      const entry = withStale ? this.#entries.get(name) : fresh;
      if (entry === undefined) continue;
      this.#describe(entry);
      visit(entry.key, 0, entry.key.length, this.entry);
    }
    return at < names.length ? at : 0;
  }

  randomKey(target: Uint8Array, random: number): number {
    const live = [...this.#entries.keys()].map((name) => this.#live(name)).filter((entry) => entry !== undefined);
    const entry = live[random % Math.max(live.length, 1)];
    if (entry === undefined) return -1;
    target.set(entry.key, 0);
    return entry.key.length;
  }

  get keyCount(): number {
    return this.#entries.size;
  }

  get expiringKeyCount(): number {
    return [...this.#entries.values()].filter((entry) => entry.expiresAtMs > 0).length;
  }

  put(request: PutRequest): PutStatus {
    const value = request.value.slice(request.valueStart, request.valueEnd);
    if (value.length > this.valueBytesMax || request.keyEnd - request.keyStart > this.keyBytesMax) {
      return PutStatus.tooLarge;
    }
    if (this.full || this.putsLeft-- <= 0) return PutStatus.outOfMemory;
    const name = nameOf(request.key, request.keyStart, request.keyEnd);
    const replaced = this.#live(name) !== undefined;
    this.#entries.set(name, {
      key: request.key.slice(request.keyStart, request.keyEnd),
      value,
      type: request.type,
      version: ++this.lastVersion,
      contentType: request.contentType.slice(request.contentTypeStart, request.contentTypeEnd),
      expiresAtMs: request.expiresAtMs,
      ...attributesOf(request.attributes ?? null),
    });
    const { key, keyStart, keyEnd } = request;
    this.changes?.onChange(ChangeKind.set, key, keyStart, keyEnd, replaced ? ChangeFlag.none : ChangeFlag.created);
    if (request.expiresAtMs !== 0 && request.keepsExpiry !== true) {
      this.changes?.onChange(ChangeKind.expiry, key, keyStart, keyEnd, ChangeFlag.expires);
    }
    return replaced ? PutStatus.replaced : PutStatus.created;
  }

  remove(source: Uint8Array, start: number, end: number): boolean {
    const name = nameOf(source, start, end);
    if (this.#live(name) === undefined) {
      const entry = this.#entries.get(name);
      if (this.#entries.delete(name) && entry?.isHollow === false) {
        this.changes?.onChange(ChangeKind.expired, source, start, end, ChangeFlag.none);
      }
      return false;
    }
    this.changes?.onChange(ChangeKind.removed, source, start, end, ChangeFlag.none);
    return this.#entries.delete(name);
  }

  setExpiry(source: Uint8Array, start: number, end: number, expiresAtMs: number): boolean {
    const entry = this.#live(nameOf(source, start, end));
    if (entry === undefined) return false;
    if (entry.expiresAtMs === 0 && expiresAtMs === 0) return true;
    entry.expiresAtMs = expiresAtMs;
    const flags = expiresAtMs === 0 ? ChangeFlag.none : ChangeFlag.expires;
    this.changes?.onChange(ChangeKind.expiry, source, start, end, flags);
    return true;
  }

  randomUint32(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    return this.#random >>> 0;
  }

  newFillToken(): number {
    return (this.randomUint32() & 0xffff) * 2 ** 32 + this.randomUint32() || 1;
  }

  putHollow(source: Uint8Array, start: number, end: number, token: number, untilMs: number): PutStatus {
    if (end - start > this.keyBytesMax) return PutStatus.tooLarge;
    if (this.full || this.putsLeft-- <= 0) return PutStatus.outOfMemory;
    const name = nameOf(source, start, end);
    if (this.#live(name) !== undefined) throw new Error('a hollow entry in the place of a value');
    const version = ++this.lastVersion;
    this.#entries.set(name, {
      key: source.slice(start, end),
      value: new Uint8Array(0),
      type: ValueType.string,
      version,
      contentType: new Uint8Array(0),
      expiresAtMs: 1,
      staleMs: untilMs - 1,
      tags: [],
      isHollow: true,
      fill: { token, untilMs, version },
    });
    return PutStatus.created;
  }

  setFill(source: Uint8Array, start: number, end: number, token: number, untilMs: number): boolean {
    if (this.peekStale(source, start, end) !== Freshness.stale || this.full) return false;
    this.#current().fill = { token, untilMs, version: ++this.lastVersion };
    return true;
  }

  clearFill(source: Uint8Array, start: number, end: number): boolean {
    const freshness = this.peekStale(source, start, end);
    if (freshness === Freshness.none || this.#current().fill === null) return false;
    if (freshness === Freshness.hollow) this.#entries.delete(nameOf(source, start, end));
    else this.#current().fill = null;
    return true;
  }

  countFill(outcome: FillOutcome): void {
    this.fills[outcome]++;
  }

  isOvertaken(tags: Uint8Array, start: number, end: number): boolean {
    const version = this.#current().fill?.version ?? 0;
    return this.isOvertakenSince(version, tags, 0, 0, tags, start, end);
  }

  isOvertakenSince(
    version: number,
    _source: Uint8Array,
    _start: number,
    _end: number,
    tags: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    const names = tagsOf(tags, start, end).map(tagName);
    return this.#invalidations.some((note) => note.version > version && names.includes(note.tag));
  }

  invalidateTags(tags: Uint8Array, start: number, end: number, isSoft: boolean): boolean {
    if (this.notesFull) return false;
    const version = ++this.lastVersion;
    for (const tag of tagsOf(tags, start, end)) {
      this.#invalidations.push({ tag: tagName(tag), version, softAtMs: isSoft ? this.nowMs() : 0 });
      const flags = isSoft ? ChangeFlag.soft : ChangeFlag.none;
      this.changes?.onChange(ChangeKind.invalidated, tag, 1, tag.length, flags);
    }
    return true;
  }

  beginGroup(entries: number): boolean {
    if (this.full && entries > 0 && this.openGroups === 0) return false;
    this.#pushGroup();
    return true;
  }

  endGroup(): void {
    this.#before.pop();
  }

  abandonGroup(): void {
    const before = this.#before.pop();
    if (before === undefined) throw new Error('no group is open');
    this.#entries = new Map(before.entries);
    this.changes?.takeBack(before.mark);
  }

  clear(): void {
    this.#entries.clear();
    this.changes?.onChange(ChangeKind.cleared, new Uint8Array(0), 0, 0, ChangeFlag.none);
    if (this.#before.pop() !== undefined) this.#pushGroup();
  }

  #pushGroup(): void {
    const entries = new Map([...this.#entries].map(([name, entry]) => [name, { ...entry }]));
    this.#before.push({ entries, mark: this.changes?.mark() ?? 0 });
  }

  /** What a plain read finds. Drops what nobody finds any more. */
  #live(name: string): ModelEntry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const nowMs = this.nowMs();
    const endMs = this.#expiryOf(entry);
    if (endMs === 0 || endMs > nowMs) return entry;
    if (endMs > 0 && endMs + entry.staleMs > nowMs) return undefined;
    this.#entries.delete(name);
    if (endMs < 0 || entry.isHollow) return undefined;
    this.changes?.onChange(ChangeKind.expired, entry.key, 0, entry.key.length, ChangeFlag.none);
    return undefined;
  }

  /** When it expires, by itself or as its tags were invalidated softly (0: never); -1 when one was invalidated. */
  #expiryOf(entry: ModelEntry): number {
    const names = entry.tags.map(tagName);
    const notes = this.#invalidations.filter(({ tag, version }) => version > entry.version && names.includes(tag));
    if (notes.some(({ softAtMs }) => softAtMs === 0)) return -1;
    const times = [entry.expiresAtMs, ...notes.map(({ softAtMs }) => softAtMs)].filter((time) => time > 0);
    return times.length === 0 ? 0 : Math.min(...times);
  }

  #current(): ModelEntry {
    if (this.#found === null) throw new Error('nothing was found');
    return this.#found;
  }

  #describe(entry: ModelEntry): void {
    this.entry.type = entry.type;
    this.entry.valueBytes = entry.value.length;
    this.entry.version = entry.version;
    this.entry.expiresAtMs = this.#expiryOf(entry);
    this.entry.contentTypeBytes = entry.contentType.length;
    this.entry.staleMs = entry.staleMs;
    this.entry.tagCount = entry.tags.length;
    this.entry.tagBytes = listOf(entry.tags).length;
    this.entry.fillToken = entry.fill?.token ?? 0;
    this.entry.fillUntilMs = entry.fill?.untilMs ?? 0;
    this.entry.fillVersion = entry.fill?.version ?? 0;
    this.entry.isHollow = entry.isHollow;
    this.entry.memoryBytes = entry.key.length + entry.value.length;
  }
}

function attributesOf(attributes: EntryAttributes | null): Pick<ModelEntry, 'staleMs' | 'tags' | 'isHollow' | 'fill'> {
  if (attributes === null) return { staleMs: 0, tags: [], isHollow: false, fill: null };
  const { staleMs, tags, tagsStart, tagsEnd, fillToken, fillUntilMs, fillVersion, isHollow } = attributes;
  const fill = fillToken === 0 ? null : { token: fillToken, untilMs: fillUntilMs, version: fillVersion };
  return { staleMs, tags: tagsOf(tags, tagsStart, tagsEnd), isHollow, fill };
}

function tagsOf(list: Uint8Array, start: number, end: number): Uint8Array[] {
  const tags: Uint8Array[] = [];
  for (let at = start; at < end; ) {
    const next = at + 1 + (list[at] as number);
    tags.push(Uint8Array.from(list.subarray(at, next)));
    at = next;
  }
  return tags;
}

function tagName(tag: Uint8Array): string {
  return nameOf(tag, 1, tag.length);
}

function listOf(tags: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(tags);
}

function nameOf(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.subarray(start, end)).toString('latin1');
}
