/**
 * Tags that were invalidated, in shared memory: a ring of notes, each of which says that entries with a tag and a version
 * below the note's are invalid, in some partitions. A *position* in it counts words since the store was created, modulo
 * 2^32, and is compared by difference.
 *
 *     … free … [kept) remembered, for late fills … [head) to be swept … [tail) free …
 *
 * Notes of one bucket of tags are chained from the youngest to the oldest; which tags share a bucket nobody can choose, as
 * the store's secret decides. Of one tag and partition, versions rise from note to note, but for notes that say of
 * themselves that they are late. So a look at an entry comes to its end, for each of its tags, at the first note of the tag
 * that is hard, or that the entry is younger than: in a step or two, however often the tag was invalidated before. Only an
 * entry that was invalidated softly n times and not swept yet costs n steps, as the first of those times counts.
 *
 * A note that readers may look at is never changed, but for partitions that are added to it, and its words are used again
 * only when every reader has left that began before its sweep was done. A reader takes `head` when it begins, before it
 * looks for any entry: what it may find that a sweep removes meanwhile, it finds the note of.
 */
export const NoteRow = {
  /** Words of the row; 0: the ring goes on at its start. */
  words: 0,
  /** Position of the next older note of the bucket. */
  next: 1,
  hash: 2,
  /** Bytes of the tag (8 bits) · 1 for soft (bit 8) · 1 for late (bit 9). */
  tag: 3,
  /** Low 32 bits; high 16 bits · high 16 bits of the time. */
  versionLow: 4,
  highs: 5,
  /** Of the time when it was invalidated, Unix milliseconds. */
  timeLow: 6,
  /** One bit a partition, by its place; where the store knows of none there are no such words. Then the tag's bytes. */
  partitions: 7,
} as const;
export const NOTE_IS_SOFT = 1 << 8;
/** An older note may have a higher version, in a partition that both are of. */
export const NOTE_IS_LATE = 1 << 9;

/** Words of the ring for each bucket. In front of it stands the youngest note of each, by its position. */
export const RING_WORDS_PER_BUCKET = 16;
export const RING_WORDS_MIN = 1024;
export const RING_WORDS_MAX = 1 << 17;
const BUDGET_BYTES_PER_WORD = 256;

/** Words of the ring for a store of that budget: a power of two, up to 2% of it, of large ones less. */
export function ringWordsFor(budgetBytes: number): number {
  const words = 2 ** Math.round(Math.log2(budgetBytes / BUDGET_BYTES_PER_WORD));
  return Math.min(RING_WORDS_MAX, Math.max(RING_WORDS_MIN, words));
}
