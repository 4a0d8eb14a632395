import type { LogRecord } from '../../src/cluster/replication/replication-message.ts';
import type { StoredValue } from './witness.ts';

const SET = 1;
const DELETE = 2;

/** What a write does to a key, as it goes through the log. */
export type Effect =
  | { readonly kind: 'set'; readonly key: number; readonly value: number }
  | { readonly kind: 'delete'; readonly key: number };

export function encodeEffect(effect: Effect): Uint8Array {
  const bytes = new Uint8Array(effect.kind === 'set' ? 9 : 5);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, effect.kind === 'set' ? SET : DELETE);
  view.setUint32(1, effect.key);
  if (effect.kind === 'set') view.setUint32(5, effect.value);
  return bytes;
}

export function decodeEffect(bytes: Uint8Array): Effect {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const key = view.getUint32(1);
  if (view.getUint8(0) === DELETE) return { kind: 'delete', key };
  return { kind: 'set', key, value: view.getUint32(5) };
}

export function versionOf(epoch: number, seq: number): number {
  return epoch * 2 ** 32 + seq;
}

/** Keys spread over 32 bits; some share a hash, as in a store of millions. */
export function hashOf(key: number): number {
  return Math.imul(key % 61, 0x9e3779b1) >>> 0;
}

/** The memory of one partition on one node. */
export class PartitionStore {
  readonly entries = new Map<number, StoredValue>();

  apply(records: readonly LogRecord[]): void {
    for (const record of records) this.applyOne(decodeEffect(record.effect), record.epoch, record.seq);
  }

  applyOne(effect: Effect, epoch: number, seq: number): void {
    if (effect.kind === 'delete') this.entries.delete(effect.key);
    else this.entries.set(effect.key, { value: effect.value, version: versionOf(epoch, seq) });
  }

  clear(): void {
    this.entries.clear();
  }

  /** A piece of a scan in the order of keys, from `cursor` on. Others may write between two pieces. */
  read(cursor: number | null, count: number): { entries: Uint8Array[]; next: number | null } {
    const keys = [...this.entries.keys()].filter((key) => key >= (cursor ?? 0)).sort((left, right) => left - right);
    const entries = keys.slice(0, count).map((key) => encodeEntry(key, this.entries.get(key) as StoredValue));
    return { entries, next: keys[count] ?? null };
  }

  load(entries: readonly Uint8Array[]): void {
    for (const bytes of entries) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.entries.set(view.getUint32(0), { value: view.getUint32(4), version: view.getFloat64(8) });
    }
  }
}

function encodeEntry(key: number, { value, version }: StoredValue): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, key);
  view.setUint32(4, value);
  view.setFloat64(8, version);
  return bytes;
}
