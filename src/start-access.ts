import { LookupSampleReader } from './base/lookup-sample.ts';
import { systemClock } from './base/ports.ts';
import type { Config } from './config/options.ts';
import { AccessWatch } from './monitoring/access/access-watch.ts';
import { storeTotalsOf } from './monitoring/access/store-totals.ts';
import type { Shards } from './server/dispatch/shards.ts';

/** Has lookups sampled from now on, and tells what keys are in demand. */
export function watchAccess(config: Config, shards: Shards): AccessWatch {
  const memories = shards.threads.map(({ memory }) => memory);
  return new AccessWatch({
    clock: systemClock,
    samples: shards.lookups.map((handle) => new LookupSampleReader(handle)),
    totals: () => storeTotalsOf(memories, () => shards.ownKeyCount),
    separator: config.prefixSeparator,
    prefixesMax: config.maxPrefixes,
    metricsPrefixes: config.metricsPrefixes,
  });
}
