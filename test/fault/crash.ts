import { parseArgs } from 'node:util';
import { SeededRandom } from '../simulation/random.ts';
import { runCrashes } from './crash-run.ts';

const usage = `Usage: npm run -s crash -- [options]

Starts a node that keeps its keys on the disk, kills it (SIGKILL) at random instants under load, and checks after each
start that everything acknowledged is there. Exits with 1 when something is missing.

  --kills N        how often (default 200)
  --fsync POLICY   always (default), everysec or no: of a process that is killed, all of them keep everything
  --seed S         of what is chosen by chance (default: by chance)
  --connections C  that write (default 4)
  --depth D        commands under way on each (default 32)
  --load MS        the load lasts at most so long before a kill (default 500)
  --shards N       of the node (default 2)
`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    fsync: { type: 'string', default: 'always' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    connections: { type: 'string', default: '4' },
    depth: { type: 'string', default: '32' },
    load: { type: 'string', default: '500' },
    shards: { type: 'string', default: '2' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) {
  console.log(usage);
} else {
  const say = (text: string): void => console.error(text);
  say(`seed ${values.seed}`);
  try {
    const { acknowledged, kills, startMsMax } = await runCrashes({
      kills: Number(values.kills),
      random: new SeededRandom(Number(values.seed)),
      connections: Number(values.connections),
      depth: Number(values.depth),
      loadMsMax: Number(values.load),
      // Small segments, so that many of them end.
      flags: [
        '--fsync',
        values.fsync,
        '--shards',
        values.shards,
        '--log-segment-size',
        '256kb',
        '--snapshot-log-size',
        '256kb',
      ],
      say,
    });
    const slowest = Math.round(startMsMax);
    console.log(`nothing is missing: ${kills} kills, ${acknowledged} acknowledged writes, slowest start ${slowest} ms`);
  } catch (error) {
    console.log(`WRONG, with seed ${values.seed}: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
  }
}
