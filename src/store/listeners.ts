import { ChangeFlag, ChangeKind, type ChangeListener } from '../base/change.ts';
import type { EffectListener } from '../base/effect.ts';
import type { PutRequest } from '../base/view.ts';
import type { Fill } from './attributes.ts';
import type { Partitions } from './partitions.ts';

const NO_BYTES = new Uint8Array(0);

/** Who is told of what a writer does, and in which words. Hashes are those under which entries are kept. */
export class Listeners {
  /** Told of what becomes of keys; null: nobody is. */
  changes: ChangeListener | null = null;
  /** Told of what becomes of entries; null: nobody is. */
  effects: EffectListener | null = null;
  readonly #partitions: Partitions | null;

  constructor(partitions: Partitions | null) {
    this.#partitions = partitions;
  }

  /** `expired`: in the place of an entry whose time was over. */
  tellPut(hash: number, request: PutRequest, version: number, expired: boolean, created: boolean): void {
    const { changes, effects } = this;
    if (changes?.isListening && request.attributes?.isHollow !== true) tellPutTo(changes, request, expired, created);
    if (effects !== null) effects.onPut(this.#partitionOf(hash), request, version);
  }

  /** By a command; `kind` is null where nobody saw the entry any more. */
  tellRemoved(hash: number, bytes: Uint8Array, start: number, end: number, kind: ChangeKind | null): void {
    const { changes, effects } = this;
    if (kind !== null && changes?.isListening) changes.onChange(kind, bytes, start, end, ChangeFlag.none);
    if (effects !== null) effects.onRemove(this.#partitionOf(hash), bytes, start, end, false);
  }

  tellExpiry(hash: number, bytes: Uint8Array, start: number, end: number, expiresAtMs: number): void {
    const { changes, effects } = this;
    if (changes?.isListening) {
      const flags = expiresAtMs === 0 ? ChangeFlag.none : ChangeFlag.expires;
      changes.onChange(ChangeKind.expiry, bytes, start, end, flags);
    }
    if (effects !== null) effects.onExpiry(this.#partitionOf(hash), bytes, start, end, expiresAtMs);
  }

  tellFill(hash: number, bytes: Uint8Array, start: number, end: number, fill: Fill): void {
    const { effects } = this;
    if (effects === null) return;
    effects.onFill(this.#partitionOf(hash), bytes, start, end, fill.token, fill.untilMs, fill.version);
  }

  /** One tag. */
  tellInvalidated(bytes: Uint8Array, start: number, end: number, isSoft: boolean): void {
    const { changes } = this;
    if (!changes?.isListening) return;
    changes.onChange(ChangeKind.invalidated, bytes, start, end, isSoft ? ChangeFlag.soft : ChangeFlag.none);
  }

  /** All tags of the list, in the partitions. */
  tellInvalidatedIn(
    partitions: readonly number[],
    tags: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
  ): void {
    const { effects } = this;
    if (effects === null) return;
    for (const partition of partitions) effects.onInvalidate(partition, tags, start, end, version, timeMs, isSoft);
  }

  /** By nobody's command: expired or evicted; of a hollow entry the effect alone. */
  tellGone(
    kind: ChangeKind,
    partition: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isHollow: boolean,
  ): void {
    const { changes, effects } = this;
    if (!isHollow && changes?.isListening) changes.onChange(kind, bytes, start, end, ChangeFlag.none);
    if (effects !== null) effects.onRemove(partition, bytes, start, end, true);
  }

  /** `partitions` are those that had entries. */
  tellCleared(partitions: readonly number[]): void {
    const { changes, effects } = this;
    if (changes?.isListening) changes.onChange(ChangeKind.cleared, NO_BYTES, 0, 0, ChangeFlag.none);
    if (effects !== null) for (const partition of partitions) effects.onClear(partition);
  }

  #partitionOf(hash: number): number {
    return this.#partitions === null ? 0 : this.#partitions.ofHash(hash);
  }
}

function tellPutTo(changes: ChangeListener, request: PutRequest, expired: boolean, created: boolean): void {
  const { key, keyStart, keyEnd } = request;
  if (expired) changes.onChange(ChangeKind.expired, key, keyStart, keyEnd, ChangeFlag.none);
  changes.onChange(ChangeKind.set, key, keyStart, keyEnd, created ? ChangeFlag.created : ChangeFlag.none);
  if (request.expiresAtMs === 0 || request.keepsExpiry === true) return;
  changes.onChange(ChangeKind.expiry, key, keyStart, keyEnd, ChangeFlag.expires);
}
