import { ChangeFlag, ChangeKind, type ChangeListener } from '../base/change.ts';
import type { EffectListener } from '../base/effect.ts';
import type { PutRequest } from '../base/view.ts';
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
    if (changes?.isListening) tellPutTo(changes, request, expired, created);
    if (effects !== null) effects.onPut(this.#partitionOf(hash), request, version);
  }

  /** By a command; `expired`: what it found had. */
  tellRemoved(hash: number, bytes: Uint8Array, start: number, end: number, expired: boolean): void {
    const { changes, effects } = this;
    if (changes?.isListening) {
      changes.onChange(expired ? ChangeKind.expired : ChangeKind.removed, bytes, start, end, ChangeFlag.none);
    }
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

  /** By nobody's command: expired or evicted. */
  tellGone(kind: ChangeKind, partition: number, bytes: Uint8Array, start: number, end: number): void {
    const { changes, effects } = this;
    if (changes?.isListening) changes.onChange(kind, bytes, start, end, ChangeFlag.none);
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
