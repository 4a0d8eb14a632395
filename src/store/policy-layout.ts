/** Each part of the policy's memory begins with a cache line of its own words. */
export const POLICY_HEADER_WORDS = 16;

/** A block of the frequency sketch: one cache line. */
export const SKETCH_BLOCK_WORDS = 16;
/** The sketch's share of a store's memory: 4 bits for each 32 bytes stored. */
const SKETCH_SHARE = 1 / 64;

/** A bucket of the rejected keys: two slots of two words. */
export const REJECTED_BUCKET_WORDS = 4;
/** Bytes of the budget for each bucket: a slot for each KiB stored. */
const BYTES_PER_REJECTED_BUCKET = 2048;

/** The trial of admission: pairs on trial at a time, words of one, and counts by which a hash of theirs is known. */
export const TRIAL_PAIRS = 64;
export const TRIAL_PAIR_WORDS = 4;
export const TRIAL_FILTER_WORDS = 512;
/** How long a pair is on trial: while so much of the budget is judged after it. */
export const TRIAL_SPAN_SHARE = 1 / 2;
const TRIAL_WORDS = POLICY_HEADER_WORDS + TRIAL_PAIRS * TRIAL_PAIR_WORDS + TRIAL_FILTER_WORDS;

/** Where the eviction policy's parts lie, in words from the start of the arena's policy words. */
interface PolicyLayout {
  sketch: number;
  sketchWords: number;
  rejected: number;
  rejectedWords: number;
  trial: number;
  /** All of it: about 2.4% of the budget. */
  words: number;
}

export function policyLayoutFor(budgetBytes: number): PolicyLayout {
  const blocks = Math.max(1, Math.floor((budgetBytes * SKETCH_SHARE) / (SKETCH_BLOCK_WORDS * 4)));
  const sketchWords = POLICY_HEADER_WORDS + blocks * SKETCH_BLOCK_WORDS;
  const buckets = Math.max(1, Math.floor(budgetBytes / BYTES_PER_REJECTED_BUCKET));
  const rejectedWords = POLICY_HEADER_WORDS + buckets * REJECTED_BUCKET_WORDS;
  return {
    sketch: 0,
    sketchWords,
    rejected: sketchWords,
    rejectedWords,
    trial: sketchWords + rejectedWords,
    words: sketchWords + rejectedWords + TRIAL_WORDS,
  };
}
