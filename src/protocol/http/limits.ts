/** What a request may hold at most, as the protocol code needs to know it. */
export interface HttpLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Levels of nesting of a JSON value. */
  readonly jsonDepthMax: number;
  /** Operations of one batch. */
  readonly batchOperationsMax: number;
}

/** The longest time to live, in seconds: about 3,170 years, far below where milliseconds lose precision. */
const ttlSecondsMax = 1e11;
export const versionMax = 2 ** 48 - 1;

/** Milliseconds of a time to live given in seconds, at least 1; 0 when it is none (not above 0, too long, not a number). */
export function ttlMsOf(seconds: number): number {
  if (!(seconds > 0 && seconds <= ttlSecondsMax)) return 0;
  return Math.max(1, Math.round(seconds * 1000));
}

export const ttlForm = `a number of seconds above 0 and up to ${ttlSecondsMax}`;
export const versionForm = `a whole number from 1 to ${versionMax}, as a version or ETag had it`;
