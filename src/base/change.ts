/** What became of a key, as its shard tells whoever wants to know. */
export const ChangeKind = {
  /** A value was written, new or over another. */
  set: 0,
  /** The key was removed by a command. */
  removed: 1,
  /** The entry's expiry was set, changed or taken away; its value and version are what they were. */
  expiry: 2,
  /** The key's time was over, and it was removed for that. */
  expired: 3,
  /** The key was removed to make room. */
  evicted: 4,
  /** All keys of the shard were removed; the change names none. */
  cleared: 5,
} as const;
export type ChangeKind = (typeof ChangeKind)[keyof typeof ChangeKind];

/** Told by the one writer of a store of every change, in order, after readers can see it. */
export interface ChangeListener {
  /** The key is `bytes[start..end)` during the call, empty for `cleared`. */
  onChange(kind: ChangeKind, bytes: Uint8Array, start: number, end: number): void;
}
