import type { NodeFacts, StoreFacts } from './facts.ts';
import type { MetricRow } from './metric-row.ts';

type Count = 'staleHits' | 'invalidatedEntries' | 'invalidatedTags' | 'pendingTags';

const fillResults = ['granted', 'filled', 'lost', 'cancelled', 'expired'] as const;

function sum(facts: NodeFacts, of: (store: StoreFacts) => number): number {
  let total = 0;
  for (const { store } of facts.shards()) total += of(store);
  return total;
}

/** Of what every shard does alike: the most that one of them has done. */
function most(facts: NodeFacts, field: Count): number {
  let count = 0;
  for (const { store } of facts.shards()) count = Math.max(count, store[field]);
  return count;
}

const plain = (name: string, type: MetricRow['type'], help: string, read: (facts: NodeFacts) => number): MetricRow => ({
  name,
  type,
  help,
  labels: [],
  read: (facts, add) => add({}, read(facts)),
});

/** What there is to tell of stale values, fill tokens and tags. */
export const cacheMetrics: readonly MetricRow[] = [
  plain('stale_hits_total', 'counter', 'Reads that found a value in its stale window; among the hits.', (facts) =>
    sum(facts, ({ staleHits }) => staleHits),
  ),
  {
    name: 'fill_tokens_total',
    type: 'counter',
    help: 'Fill tokens by what became of them: granted, filled (the value was stored), lost (refused: late, overtaken or never given), cancelled (given back), expired (as far as anybody noticed).',
    labels: ['result'],
    read: (facts, add) => {
      for (const result of fillResults)
        add(
          { result },
          sum(facts, ({ fills }) => fills[result]),
        );
    },
  },
  plain('tag_invalidations_total', 'counter', 'Tags that were invalidated on this node.', (facts) =>
    most(facts, 'invalidatedTags'),
  ),
  plain('tags_pending', 'gauge', 'Tags that were invalidated and whose entries are still being removed.', (facts) =>
    most(facts, 'pendingTags'),
  ),
  plain(
    'entries_invalidated_total',
    'counter',
    'Entries that were removed, or became stale, because a tag of theirs was invalidated.',
    (facts) => sum(facts, ({ invalidatedEntries }) => invalidatedEntries),
  ),
];
