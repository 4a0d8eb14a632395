import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import type { EffectListener } from '../base/effect.ts';
import { keyHashOf } from '../base/key-hash.ts';
import type { PutRequest } from '../base/view.ts';
import { EffectKind, EffectWriter, RECORD_IS_GROUP } from './effect-codec.ts';

/** A buffer that grew beyond this is not kept. */
const BYTES_KEPT = 256 * 1024;
/** From so many bytes of superseded effects on, they are squeezed out once they are the larger part. */
const HOLES_BYTES_MAX = 1 << 20;

interface Effect {
  readonly kind: EffectKind;
  readonly partition: number;
  start: number;
  end: number;
  /** From `start`. */
  readonly keyOffset: number;
  readonly keyBytes: number;
  readonly keyHash: number;
  /** No group that is taken back takes it back. */
  readonly stands: boolean;
  /** The effect before it of the same key, or of one of the same hash; -1: none. */
  previous: number;
  /** A later one makes it superfluous. */
  isOver: boolean;
}

/** What is told of one partition: `clears` says that it is of other keys than those whose hashes are named. */
export type VisitRecord = (partition: number, keyHashes: number[], record: Uint8Array, clears: boolean) => void;

/**
 * Collects the effects of a command, or of a step of upkeep, as one record for each partition (effect-codec.ts). Of
 * several effects on one key the last is kept, as far as none before it may have to be the last again.
 */
export class EffectLog implements EffectListener {
  readonly #writer = new EffectWriter();
  readonly #effects: Effect[] = [];
  /** The last effect of each hash, of the first `#indexed` effects: most records have one and need no map. */
  readonly #lastOf = new Map<number, number>();
  #indexed = 0;
  /** Effects before each open mark. */
  readonly #marks: number[] = [];
  #isGroup = false;
  #holesBytes = 0;
  /** Until the next effect. */
  effectBytes: Uint8Array = new Uint8Array(0);
  effectStart = 0;
  effectEnd = 0;

  get isEmpty(): boolean {
    return this.#effects.length === 0;
  }

  get bytes(): number {
    return 1 + this.#writer.length - this.#holesBytes;
  }

  onPut(partition: number, request: PutRequest, version: number): void {
    const { key, keyStart, value, valueStart, contentType, contentTypeStart, type, expiresAtMs } = request;
    const keyBytes = request.keyEnd - keyStart;
    const valueBytes = request.valueEnd - valueStart;
    const contentTypeBytes = request.contentTypeEnd - contentTypeStart;
    const keyHash = keyHashOf(key, keyStart, request.keyEnd);
    this.#supersede(partition, keyHash, key, keyStart, request.keyEnd, false);
    const writer = this.#writer;
    const start = writer.length;
    const attributes = request.attributes ?? null;
    if (attributes === null) {
      writer.put(type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes, null);
    } else {
      const tagBytes = attributes.tagsEnd - attributes.tagsStart;
      writer.put(type, version, expiresAtMs, keyBytes, contentTypeBytes, valueBytes, { ...attributes, tagBytes });
      if (tagBytes > 0) copyBytes(attributes.tags, attributes.tagsStart, writer.bytes, writer.tagsAt, tagBytes);
    }
    copyBytes(key, keyStart, writer.bytes, writer.keyAt, keyBytes);
    if (contentTypeBytes > 0) {
      copyBytes(contentType, contentTypeStart, writer.bytes, writer.contentTypeAt, contentTypeBytes);
    }
    copyBytes(value, valueStart, writer.bytes, writer.valueAt, valueBytes);
    this.#push(EffectKind.put, partition, start, keyBytes, keyHash, false);
  }

  onRemove(partition: number, bytes: Uint8Array, start: number, end: number, stands: boolean): void {
    const keyHash = keyHashOf(bytes, start, end);
    this.#supersede(partition, keyHash, bytes, start, end, false);
    const at = this.#writer.length;
    this.#writer.remove(bytes, start, end);
    this.#push(EffectKind.remove, partition, at, end - start, keyHash, stands);
  }

  onExpiry(partition: number, bytes: Uint8Array, start: number, end: number, expiresAtMs: number): void {
    const keyHash = keyHashOf(bytes, start, end);
    this.#supersede(partition, keyHash, bytes, start, end, true);
    const at = this.#writer.length;
    this.#writer.expiry(bytes, start, end, expiresAtMs);
    this.#push(EffectKind.expiry, partition, at, end - start, keyHash, false);
  }

  onFill(
    partition: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    token: number,
    untilMs: number,
    version: number,
  ): void {
    const at = this.#writer.length;
    this.#writer.fill(bytes, start, end, token, untilMs, version);
    this.#push(EffectKind.fill, partition, at, end - start, keyHashOf(bytes, start, end), false);
  }

  onInvalidate(
    partition: number,
    tags: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
  ): void {
    const at = this.#writer.length;
    this.#writer.invalidate(tags, start, end, version, timeMs, isSoft);
    this.#push(EffectKind.invalidate, partition, at, 0, 0, true);
  }

  onClear(partition: number): void {
    const at = this.#writer.length;
    this.#writer.clear();
    this.#push(EffectKind.clear, partition, at, 0, 0, false);
  }

  mark(): number {
    this.#isGroup = true;
    return this.#marks.push(this.#effects.length) - 1;
  }

  takeBack(mark: number): void {
    const from = this.#marks[mark] as number;
    const standing = this.#effects.slice(from).filter(({ stands }) => stands);
    this.#effects.length = from;
    const last = this.#effects[from - 1];
    this.#writer.length = last === undefined ? 0 : last.end;
    // In their order, so that none is written over before it was moved.
    for (const effect of standing) {
      this.#move(effect);
      this.#effects.push(effect);
    }
    this.#holesBytes = 0;
    for (const effect of this.#effects) if (effect.isOver) this.#holesBytes += effect.end - effect.start;
    this.#lastOf.clear();
    this.#indexed = 0;
  }

  settle(mark: number): void {
    this.#marks.length = mark;
  }

  /** Bytes of the partition's record as it is now. */
  bytesOf(partition: number): number {
    let bytes = 1;
    for (const effect of this.#effects) {
      if (effect.partition === partition && !effect.isOver) bytes += effect.end - effect.start;
    }
    return bytes;
  }

  /** There is one effect and no more, which is no part of an open group: `takeOnly` is a shorter way than `drain`. */
  get isOne(): boolean {
    return this.#effects.length === 1 && this.#marks.length === 0;
  }

  /** Forgets the one effect, whose record is a byte of 0 and what `effectBytes` then has from `effectStart` to `effectEnd`. */
  takeOnly(): number {
    const { start, end, partition } = this.#effects[0] as Effect;
    this.effectBytes = this.#writer.bytes;
    this.effectStart = start;
    this.effectEnd = end;
    this.clear();
    return partition;
  }

  /** Hands every record over, in the order in which their partitions were first touched, and forgets them. */
  drain(visit: VisitRecord): void {
    assert(this.#marks.length === 0, 'effects handed over within a group');
    const effects = this.#effects;
    const first = effects[0];
    if (effects.length === 1 && first !== undefined) {
      const record = new Uint8Array(1 + first.end - first.start);
      record.set(this.#writer.bytes.subarray(first.start, first.end), 1);
      const clears = namesNoKey(first);
      this.clear();
      visit(first.partition, clears ? [] : [first.keyHash], record, clears);
      return;
    }
    const byPartition = new Map<number, Effect[]>();
    for (const effect of effects) {
      const others = byPartition.get(effect.partition);
      if (others === undefined) byPartition.set(effect.partition, [effect]);
      else others.push(effect);
    }
    const { bytes } = this.#writer;
    const isGroup = this.#isGroup;
    this.clear();
    for (const [partition, its] of byPartition) visitRecord(partition, its, bytes, isGroup, visit);
  }

  clear(): void {
    this.#effects.length = 0;
    this.#marks.length = 0;
    this.#lastOf.clear();
    this.#indexed = 0;
    this.#holesBytes = 0;
    this.#isGroup = false;
    this.#writer.length = 0;
    if (this.#writer.bytes.length > BYTES_KEPT) this.#writer.bytes = new Uint8Array(BYTES_KEPT);
  }

  /** What comes next makes effects on the key superfluous: all, or those on its expiry alone. */
  #supersede(partition: number, keyHash: number, key: Uint8Array, start: number, end: number, isExpiry: boolean): void {
    if (this.#effects.length === 0) return;
    this.#index();
    // What an open group began with may be needed when that is taken back.
    const from = this.#marks[this.#marks.length - 1] ?? 0;
    for (let at = this.#lastOf.get(keyHash) ?? -1; at >= from; ) {
      const effect = this.#effects[at] as Effect;
      at = effect.previous;
      if (effect.isOver || effect.stands || effect.partition !== partition || !this.#isOf(effect, key, start, end)) {
        continue;
      }
      if (isExpiry && effect.kind !== EffectKind.expiry) break;
      effect.isOver = true;
      this.#holesBytes += effect.end - effect.start;
    }
    this.#dropLast(from);
    if (this.#holesBytes > HOLES_BYTES_MAX && this.#holesBytes > this.#writer.length / 2) this.#squeeze();
  }

  #index(): void {
    for (; this.#indexed < this.#effects.length; this.#indexed++) {
      const effect = this.#effects[this.#indexed] as Effect;
      effect.previous = this.#lastOf.get(effect.keyHash) ?? -1;
      this.#lastOf.set(effect.keyHash, this.#indexed);
    }
  }

  #isOf(effect: Effect, key: Uint8Array, start: number, end: number): boolean {
    if (namesNoKey(effect) || effect.keyBytes !== end - start) return false;
    const at = effect.start + effect.keyOffset;
    for (let i = 0; i < effect.keyBytes; i++) if (this.#writer.bytes[at + i] !== key[start + i]) return false;
    return true;
  }

  /** Superfluous effects at the end leave nothing behind: what one key is given again and again takes no more room. */
  #dropLast(from: number): void {
    for (let at = this.#effects.length - 1; at >= from; at--) {
      const effect = this.#effects[at] as Effect;
      if (!effect.isOver) return;
      this.#effects.length = at;
      this.#indexed = at;
      this.#writer.length = effect.start;
      this.#holesBytes -= effect.end - effect.start;
      if (effect.previous < 0) this.#lastOf.delete(effect.keyHash);
      else this.#lastOf.set(effect.keyHash, effect.previous);
    }
  }

  #squeeze(): void {
    this.#writer.length = 0;
    for (const effect of this.#effects) {
      if (effect.isOver) {
        effect.start = this.#writer.length;
        effect.end = this.#writer.length;
      } else this.#move(effect);
    }
    this.#holesBytes = 0;
  }

  /** Moves an effect's bytes, which lie further on, to the end of what is written. */
  #move(effect: Effect): void {
    const writer = this.#writer;
    writer.bytes.copyWithin(writer.length, effect.start, effect.end);
    effect.end = writer.length + effect.end - effect.start;
    effect.start = writer.length;
    writer.length = effect.end;
  }

  #push(kind: EffectKind, partition: number, start: number, keyBytes: number, keyHash: number, stands: boolean): void {
    const { length: end, keyAt } = this.#writer;
    const keyOffset = keyAt - start;
    this.#effects.push({
      kind,
      partition,
      start,
      end,
      keyOffset,
      keyBytes,
      keyHash,
      stands,
      previous: -1,
      isOver: false,
    });
  }
}

/** Whether it is one of any number of keys. */
function namesNoKey({ kind }: Effect): boolean {
  return kind === EffectKind.clear || kind === EffectKind.invalidate;
}

function visitRecord(
  partition: number,
  effects: readonly Effect[],
  bytes: Uint8Array,
  isGroup: boolean,
  visit: VisitRecord,
): void {
  let length = 1;
  let count = 0;
  for (const { start, end, isOver } of effects) {
    if (isOver) continue;
    length += end - start;
    count++;
  }
  const record = new Uint8Array(length);
  const keyHashes = new Set<number>();
  let clears = false;
  let at = 1;
  for (const effect of effects) {
    const { start, end, isOver } = effect;
    // The key was touched all the same.
    if (namesNoKey(effect)) clears = true;
    else keyHashes.add(effect.keyHash);
    if (isOver) continue;
    record.set(bytes.subarray(start, end), at);
    at += end - start;
  }
  if (isGroup && count > 1) record[0] = RECORD_IS_GROUP;
  visit(partition, [...keyHashes], record, clears);
}
