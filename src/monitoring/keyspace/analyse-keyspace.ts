import type { Clock } from '../../base/ports.ts';
import type { StoreMemory } from '../../store/arena.ts';
import { StoreReader } from '../../store/reader.ts';
import { HASHES } from '../../store/scan.ts';
import type { KeyspaceNews } from '../dashboard/feed.ts';
import { KeyspaceSurvey, type MetricsPrefix, type SurveySettings } from './keyspace-survey.ts';
import type { KnownKey } from './largest-keys.ts';
import { enterSoon, planRun, sampleRun } from './sample-run.ts';

/** What one analysis hands on to the next. */
export interface AnalysisState {
  /** By shard, the hash from which on keys are looked at. */
  readonly cursors: readonly number[];
  readonly largest: readonly KnownKey[];
}

export interface AnalysisInput {
  /** By shard. */
  readonly memories: readonly StoreMemory[];
  /** The slot in all of them that is this thread's. */
  readonly reader: number;
  readonly settings: SurveySettings;
  /** About so many keys are looked at. */
  readonly keysWanted: number;
  readonly state: AnalysisState;
}

export interface AnalysisOutput {
  readonly news: KeyspaceNews;
  /** In the order in which they are asked for. */
  readonly metricsPrefixes: readonly MetricsPrefix[];
  readonly state: AnalysisState;
}

/**
 * Looks at a sample of the keys of all stores, going on where the analysis before ended, so that in time it has seen all.
 * What it tells is scaled up by the share of each store that it saw; it is exact where that is all of it. Copies that are
 * kept for other nodes are keys like any: it tells what fills the memory of this node.
 *
 * `rest` is called between steps with how long the last one took.
 */
export function analyseKeyspace(
  { memories, reader, settings, keysWanted, state }: AnalysisInput,
  clock: Clock,
  rest: (workedMs: number) => void,
): AnalysisOutput {
  const beganMs = performance.now();
  const readers = memories.map((memory) => new StoreReader(memory, reader, clock));
  const survey = new KeyspaceSurvey(settings);
  for (const [shard, store] of readers.entries()) lookAgain(shard, store, state.largest, survey, rest);

  const keys = readers.reduce((sum, { keyCount }) => sum + keyCount, 0);
  let sampledKeys = 0;
  const cursors = readers.map((store, shard) => {
    const wanted = Math.ceil((keysWanted * store.keyCount) / Math.max(keys, 1));
    const run = planRun(state.cursors[shard] ?? 0, store.keyCount, wanted);
    const { visit, end } = survey.begin(shard);
    const result = sampleRun(store, run, wanted, visit, rest);
    end((result.end - run.start) / HASHES);
    sampledKeys += result.keys;
    return result.end % HASHES;
  });
  return {
    news: survey.news(clock.nowMs(), performance.now() - beganMs, sampledKeys, keys),
    metricsPrefixes: survey.metricsPrefixes(),
    state: { cursors, largest: survey.largest.list() },
  };
}

/** Those of the keys known to be large that are still there, as they are now. */
function lookAgain(
  shard: number,
  store: StoreReader,
  known: readonly KnownKey[],
  survey: KeyspaceSurvey,
  rest: (workedMs: number) => void,
): void {
  const own = known.filter((each) => each.shard === shard);
  if (own.length === 0 || !enterSoon(store, rest)) return;
  try {
    for (const { key } of own) {
      const bytes = Buffer.from(key, 'latin1');
      if (store.peek(bytes, 0, bytes.length)) survey.largest.offer(shard, bytes, 0, bytes.length, store.entry);
    }
  } finally {
    store.leave();
  }
}
