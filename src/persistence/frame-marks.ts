import { FRAME_HEAD_BYTES, sealFrame } from './frame.ts';

/** A frame without records whose `durable` is this says that the log goes on in another segment. */
export const FOLLOWED = 2 ** 53 - 1;

/** The frame at the end of a segment that another follows, which begins with the record of number `next`. */
export function followedMark(next: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES);
  sealFrame(bytes, bytes.length, { count: 0, first: next, durable: FOLLOWED }, seed);
  return bytes;
}
