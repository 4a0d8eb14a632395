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
  /** Entries that bear a tag are no longer valid; the change names the tag in the place of a key. No group takes it back. */
  invalidated: 6,
} as const;
export type ChangeKind = (typeof ChangeKind)[keyof typeof ChangeKind];

/** A set of kinds, one bit each. */
export function interestIn(...kinds: readonly ChangeKind[]): number {
  let mask = 0;
  for (const kind of kinds) mask |= 1 << kind;
  return mask;
}

export const interestInAll = 0b111_1111;

/** What more there is to tell of a change: bits. */
export const ChangeFlag = {
  none: 0,
  /** Of `set`: the key was not there before. */
  created: 1,
  /** Of `expiry`: the entry expires from now on, at another time or for the first time; without it, it does no longer. */
  expires: 2,
  /** Of `invalidated`: they are stale from now on, instead of gone. */
  soft: 4,
} as const;

/**
 * Told by the one writer of a store of every change, in order, after readers can see it. A write that gives the entry a
 * new expiry is told as two changes: `set`, then `expiry`. Moves of entries within memory are no changes.
 *
 * Changes of a group of writes are told one by one before the group's end, and taken back when the group is.
 */
export interface ChangeListener {
  /** Whether it is of any use to tell it of changes now. Asked after every change. */
  readonly isListening: boolean;
  /**
   * The key is `bytes[start..end)` during the call, the tag for `invalidated`, empty for `cleared`. `flags` are of
   * {@link ChangeFlag}.
   */
  onChange(kind: ChangeKind, bytes: Uint8Array, start: number, end: number, flags: number): void;
  /** Stands for all that was told so far. */
  mark(): number;
  /** What was told since `mark` has not happened. */
  takeBack(mark: number): void;
}
