import { decodeHeader, encodeHeader } from '../src/persistence/file-header.ts';
import { frameSeed } from '../src/persistence/frame.ts';
import { followedMark } from '../src/persistence/frame-marks.ts';
import type { ByteSource } from '../src/persistence/frame-scanner.ts';
import type { LogDisk } from '../src/persistence/log-disk.ts';
import type { DataFile } from '../src/persistence/recovery-plan.ts';

/** A segment in memory. */
export interface MemorySegment {
  bytes: Uint8Array;
  /** How much of it is on the disk. */
  synced: number;
}

/** A disk of memory, whose writes and syncs fail when they are told to. */
export class MemoryLogDisk implements LogDisk {
  readonly segments: MemorySegment[] = [];
  readonly storeId: Uint8Array;
  /** Bytes that there is room for yet. */
  roomBytes = Number.POSITIVE_INFINITY;
  failsToSync = false;
  syncs = 0;
  /** Its files have lost their names; new ones can be made. */
  isGone = false;
  /** Syncs can be made on another thread, and are done when `isSyncing` is set to false. */
  syncsLater = false;
  isSyncing = false;
  #begun: { readonly segment: MemorySegment; readonly length: number; readonly fails: boolean } | null = null;

  constructor(storeId: Uint8Array) {
    this.storeId = storeId;
  }

  get #last(): MemorySegment {
    const last = this.segments.at(-1);
    if (last === undefined) throw new Error('no segment was begun');
    return last;
  }

  get length(): number {
    return this.#last.bytes.length;
  }

  begin(firstSequence: number, isAnew: boolean): void {
    const header = { kind: 'log', shard: 0, shards: 1, storeId: this.storeId, begunAtMs: 0 } as const;
    const bytes = encodeHeader({ ...header, sequence: firstSequence, isAnew });
    if (this.segments.length > 0 && !isAnew) this.append(followedMark(firstSequence, frameSeed(this.storeId)));
    this.segments.push({ bytes, synced: bytes.length });
  }

  append(bytes: Uint8Array): void {
    const written = bytes.subarray(0, Math.min(bytes.length, this.roomBytes));
    this.#last.bytes = new Uint8Array(Buffer.concat([this.#last.bytes, written]));
    this.roomBytes -= written.length;
    if (written.length < bytes.length) throw Object.assign(new Error('no space left'), { code: 'ENOSPC', errno: -28 });
  }

  truncate(length: number): void {
    this.roomBytes += this.#last.bytes.length - length;
    this.#last.bytes = this.#last.bytes.slice(0, length);
  }

  sync(): void {
    if (this.failsToSync) throw Object.assign(new Error('input/output error'), { code: 'EIO', errno: -5 });
    this.syncs++;
    this.#last.synced = this.#last.bytes.length;
  }

  beginSync(): boolean {
    if (!this.syncsLater) return false;
    this.isSyncing = true;
    const { length } = this.#last.bytes;
    this.#begun = { segment: this.#last, length, fails: this.failsToSync };
    return true;
  }

  endSync(): void {
    this.isSyncing = false;
    const begun = this.#begun;
    this.#begun = null;
    if (begun === null) throw new Error('no sync was begun');
    if (begun.fails) throw Object.assign(new Error('input/output error'), { code: 'EIO', errno: -5 });
    this.syncs++;
    begun.segment.synced = Math.max(begun.segment.synced, Math.min(begun.length, begun.segment.bytes.length));
  }

  check(): void {
    if (this.isGone) throw Object.assign(new Error('no such file'), { code: 'ENOENT', errno: -2 });
  }

  close(): void {
    this.#last.synced = this.#last.bytes.length;
  }
}

/** The segments as files, by the order in which they were begun. */
export function filesOf(segments: readonly Uint8Array[]): { files: DataFile[]; open: (file: DataFile) => ByteSource } {
  const files = segments.map((bytes, index): DataFile => {
    const header = decodeHeader(bytes);
    if (typeof header === 'string') throw new Error(header);
    const { kind, sequence, isAnew } = header;
    return { path: `segment ${index}`, kind, sequence, isAnew };
  });
  return { files, open: (file) => sourceOf(segments[files.indexOf(file)] ?? new Uint8Array(0)) };
}

export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (position, target, at, length) => target.set(bytes.subarray(position, position + length), at),
  };
}
