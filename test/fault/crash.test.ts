import test from 'ava';
import { SeededRandom } from '../simulation/random.ts';
import { runCrashes } from './crash-run.ts';

/** Of a process that is killed every policy keeps all that was acknowledged; of a machine, `always` alone. */
const policies = [
  ['always', 12],
  ['everysec', 4],
  ['no', 4],
] as const;

for (const [fsync, kills] of policies) {
  test(`nothing acknowledged is missing after ${kills} kills under load with --fsync ${fsync}`, async (t) => {
    t.timeout(150_000);
    const seed = Math.floor(Math.random() * 2 ** 32);
    t.log(`seed ${seed}`);
    const { acknowledged } = await runCrashes({
      kills,
      random: new SeededRandom(seed),
      connections: 3,
      depth: 24,
      loadMsMax: 300,
      flags: ['--fsync', fsync, '--shards', '2', '--log-segment-size', '64kb', '--snapshot-log-size', '64kb'],
      say: (text) => t.log(text),
    });
    t.true(acknowledged > 0);
  });
}
