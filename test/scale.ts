/** Multiplies the counts of long tests: 1 in the default suite, more for a night's run. */
export const testScale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? '1');
