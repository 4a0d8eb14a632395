/**
 * Where everything lies in the shared buffers of a mailbox. Words are 32-bit integers; `words` of a buffer is an
 * Int32Array over all of it.
 *
 * A **ring** buffer is a control region of {@link RING_CONTROL_BYTES} bytes, then `capacity` bytes of frames.
 *
 * | word | name     | written by | meaning                                                            |
 * | ---- | -------- | ---------- | ------------------------------------------------------------------ |
 * | 0    | magic    | creator    | {@link RING_MAGIC}                                                 |
 * | 1    | capacity | creator    | bytes, a power of two                                              |
 * | 2    | largest  | creator    | bytes of the largest message, whole or in chunks                   |
 * | 32   | head     | producer   | position after the last published frame                            |
 * | 64   | tail     | consumer   | position of the first byte the producer must not overwrite         |
 * | 96   | starved  | both       | 1: the producer waits for room; the consumer clears it and rings   |
 *
 * Words that different threads write are 128 bytes apart: processors fetch cache lines of 64 bytes in pairs.
 *
 * A **position** is a count of bytes since the ring's beginning, modulo 2^32, kept as a signed 32-bit integer; its
 * place among the frames is `position & (capacity - 1)`. Positions are compared by the sign of their difference.
 *
 * A **frame** is 8-byte aligned and never wraps around the end: a pad frame fills what is left there.
 *
 * | offset | type  | meaning                                                                               |
 * | ------ | ----- | ------------------------------------------------------------------------------------- |
 * | 0      | int32 | payload bytes in bits 0 to 27, kind in bits 28 to 30, bit 31 set for a notice         |
 * | 4      | int32 | tag: whatever the sender of the message chose; the same in every chunk of a message   |
 * | 8      |       | payload; in a `first` frame it begins with the message's total bytes (int32) and 4 spare bytes |
 */

export const RING_MAGIC = 0x464c5852;
export const RING_CONTROL_BYTES = 512;
export const RING_CAPACITY_BYTES_MIN = 64;
export const RING_CAPACITY_BYTES_MAX = 2 ** 28;

export const MAGIC_WORD = 0;
export const CAPACITY_WORD = 1;
export const LARGEST_WORD = 2;
export const HEAD_WORD = 32;
export const TAIL_WORD = 64;
export const STARVED_WORD = 96;

export const FRAME_HEADER_BYTES = 8;
/** What a `first` frame's payload holds before the message's own bytes. */
export const CHUNK_PREFIX_BYTES = 8;
export const FRAME_KIND_SHIFT = 28;
export const FRAME_PAYLOAD_MASK = 2 ** FRAME_KIND_SHIFT - 1;

/** Zero is no kind, so that memory never written to is not taken for a frame. */
export const FrameKind = {
  /** Fills the end of the ring up to its wrap. */
  pad: 1,
  /** A message in one frame. */
  whole: 2,
  /** The beginning of a message in chunks; whatever unfinished message came before is void. */
  first: 3,
  middle: 4,
  last: 5,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
/** Without the bit above it, which marks the frames of a notice: a message that answers nothing. */
export const FRAME_KIND_MASK = 7;
export const FRAME_NOTICE_BIT = 1 << 31;

/** Bytes a frame takes in the ring. */
export function frameBytes(payloadBytes: number): number {
  return FRAME_HEADER_BYTES + ((payloadBytes + 7) & ~7);
}

/**
 * A **journal** tells a restarted consumer of commands where its predecessor stood.
 *
 * | word         | name        | meaning                                                                     |
 * | ------------ | ----------- | --------------------------------------------------------------------------- |
 * | 0            | done        | number of messages wholly done, modulo 2^32; its lowest bit selects a record |
 * | 1            | executing   | `done + 1` while a message is being executed, else anything else             |
 * | 2            | executingAt | position of that message's first frame                                       |
 * | 3            | executingTag | its tag                                                                     |
 * | 8, 9 / 16, 17 | record 0 / 1 | position after the messages done · position after their replies            |
 */
export const JOURNAL_BYTES = 128;
export const DONE_WORD = 0;
export const EXECUTING_WORD = 1;
export const EXECUTING_AT_WORD = 2;
export const EXECUTING_TAG_WORD = 3;
export const RECORD_WORD = 8;
export const RECORD_WORDS = 8;

/** A **doorbell** is one word: {@link AWAKE} or {@link ASLEEP}. The rest of its cache lines is left empty. */
export const DOORBELL_BYTES = 128;
export const AWAKE = 0;
export const ASLEEP = 1;
