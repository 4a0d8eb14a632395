import test from 'ava';
import { healthOf } from '../../../src/monitoring/health.ts';
import { RecoveryState, RecoveryWords } from '../../../src/persistence/recovery-words.ts';
import { LoadingWatch } from '../../../src/server/persistence/loading-watch.ts';
import { factsOf } from '../monitoring/facts-of.ts';

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function watching(count: number) {
  const words = Array.from({ length: count }, () => new RecoveryWords(RecoveryWords.create()));
  const clock = { nowMs: 1_000_000 };
  return { words, clock, watch: new LoadingWatch({ words, logger, nowMs: () => clock.nowMs }) };
}

test('before a shard has looked nothing is known, and clients are told to come again in a second', (t) => {
  const { watch } = watching(2);
  t.deepEqual(watch.facts(), { beganAtMs: 1_000_000, totalBytes: 0, loadedBytes: 0, share: 0, etaS: 1 });
  watch.stop();
});

test('the shard that will be last says how long it takes', (t) => {
  const { words, clock, watch } = watching(3);
  for (const [index, one] of words.entries()) {
    one.set('bytes', 1000);
    one.set('bytesRead', [100, 500, 1000][index] ?? 0);
    one.set('beganAtMs', 1_000_000);
    one.setState(index === 2 ? RecoveryState.done : RecoveryState.reading);
  }
  clock.nowMs += 2000;
  const facts = watch.facts();
  t.like(facts, { totalBytes: 3000, loadedBytes: 1600, etaS: 18 });
  t.is(facts.share.toFixed(3), '0.533');
  watch.stop();
});

test('health says how much is read as long as the node starts', (t) => {
  const loading = { beganAtMs: 1, totalBytes: 2 ** 30, loadedBytes: 2 ** 28, share: 0.25, etaS: 3 };
  const starting = factsOf({ state: () => 'starting', loading: () => loading });
  t.deepEqual(healthOf(starting), {
    ready: false,
    reasons: ['the node is reading what was kept on the disk: 25 %, 256 of 1024 MiB'],
  });
  const reasonsOf = (totalBytes: number) =>
    healthOf(factsOf({ state: () => 'starting', loading: () => ({ ...loading, totalBytes }) })).reasons;
  t.deepEqual(reasonsOf(0), ['the node is reading what was kept on the disk']);
  t.deepEqual(reasonsOf(1000), ['the node is reading what was kept on the disk: 25 %']);
});
