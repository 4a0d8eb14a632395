/** How long to wait before something is tried again. */
export interface Backoff {
  /** Before the second attempt. */
  readonly delayMsFirst: number;
  /** What the doubling ends at. */
  readonly delayMsMax: number;
}

/**
 * The delay after `failures` failures (from 1): doubled each time up to the maximum, of which a random half at most is
 * taken off, so that clients that lost the same server do not come back all at once.
 *
 * @param random a number from 0 to below 1
 */
export function backoffMs(failures: number, { delayMsFirst, delayMsMax }: Backoff, random: number): number {
  // 2^30 is past every maximum there can be; beyond it the power would only lose precision.
  const full = Math.min(delayMsFirst * 2 ** Math.min(failures - 1, 30), delayMsMax);
  return full * (1 - random / 2);
}
