/**
 * What a log needs of a file system, all of it synchronous: a log has a thread of its own. Every method may throw what the
 * system says, an error with a `code`.
 */
export interface LogDisk {
  /**
   * Begins a segment: a file with its header, on the disk under its name when this returns. The one before, which is synced,
   * gets a mark that it is followed, unless the new one `isAnew`: then nobody knows what is in the one before.
   */
  begin(firstSequence: number, isAnew: boolean): void;
  /** Writes at the end of the segment. When it throws, some of the bytes may be there. */
  append(bytes: Uint8Array): void;
  /** Takes back what is behind so many bytes of the segment. */
  truncate(length: number): void;
  /** Has all that was appended be on the disk. After it threw, nobody knows what is. */
  sync(): void;
  /** Begins to `sync` on another thread; what is appended meanwhile need not be on the disk after it. False: it cannot. */
  beginSync(): boolean;
  /** What was begun is not done yet. */
  readonly isSyncing: boolean;
  /** Waits until it is; throws what `sync` would have. */
  endSync(): void;
  /** Throws when what is written now would be found by nobody: the segment's file has lost its name, or another has it. */
  check(): void;
  /** Bytes of the segment, header included. */
  readonly length: number;
  close(): void;
}

/** When what was written is to be on the disk: before it is acknowledged, within a second, when the system likes. */
export type SyncPolicy = 'always' | 'everysec' | 'no';
