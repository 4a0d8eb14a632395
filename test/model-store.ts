import { ChangeFlag, ChangeKind, type ChangeListener } from '../src/base/change.ts';
import {
  type EntryInfo,
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
}

/** A store as simple as can be: a Map with a clock that stands still until it is set. What the real one must equal. */
export class ModelStore implements WriteView {
  readonly entry: EntryInfo = {
    type: ValueType.string,
    valueBytes: 0,
    version: 0,
    expiresAtMs: 0,
    contentTypeBytes: 0,
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

  copyValue(target: Uint8Array, at: number): void {
    target.set(this.#current().value, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    target.set(this.#current().value.subarray(from, from + length), at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    target.set(this.#current().contentType, at);
  }

  /** Cursors are positions in the order of keys: sound here only while keys do not change between calls. */
  scan(cursor: number, count: number, visit: VisitKey): number {
    const names = [...this.#entries.keys()].sort();
    let at = cursor;
    for (; at < names.length && at - cursor < count; at++) {
      const entry = this.#live(names[at] as string);
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
    if (this.#live(name) === undefined) return false;
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

  #live(name: string): ModelEntry | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.expiresAtMs === 0 || entry.expiresAtMs > this.nowMs()) return entry;
    this.#entries.delete(name);
    this.changes?.onChange(ChangeKind.expired, entry.key, 0, entry.key.length, ChangeFlag.none);
    return undefined;
  }

  #current(): ModelEntry {
    if (this.#found === null) throw new Error('nothing was found');
    return this.#found;
  }

  #describe(entry: ModelEntry): void {
    this.entry.type = entry.type;
    this.entry.valueBytes = entry.value.length;
    this.entry.version = entry.version;
    this.entry.expiresAtMs = entry.expiresAtMs;
    this.entry.contentTypeBytes = entry.contentType.length;
    this.entry.memoryBytes = entry.key.length + entry.value.length;
  }
}

function nameOf(source: Uint8Array, start: number, end: number): string {
  return Buffer.from(source.subarray(start, end)).toString('latin1');
}
