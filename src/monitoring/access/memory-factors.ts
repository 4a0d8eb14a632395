/** Memory for which hit ratios are estimated, as multiples of what there is. */
export const MEMORY_FACTORS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4] as const;
/** Those of them that are metrics. */
export const MEMORY_FACTORS_OF_METRICS: readonly number[] = [0.5, 1, 2, 4];
