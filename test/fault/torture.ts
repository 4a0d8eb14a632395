import { SeededRandom } from '../simulation/random.ts';
import { FaultCluster } from './fault-cluster.ts';
import { type Scenario, scenarios } from './scenarios.ts';
import { readTortureOptions, type TortureOptions, usage } from './torture-options.ts';
import { World } from './world.ts';

async function torture(options: TortureOptions): Promise<number> {
  const say = (text: string): void => console.error(text);
  const random = new SeededRandom(options.seed);
  const cluster = await FaultCluster.start({
    count: options.nodes,
    flags: ['--lease', `${options.leaseMs}ms`],
    random: () => random.fraction(),
  });
  const stop = (): void => void cluster.end().finally(() => process.exit(130));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  say(`seed ${options.seed}: ${options.nodes} nodes are up`);
  const endMs = performance.now() + options.minutes * 60_000;
  const { clients, keys, leaseMs } = options;
  const world = new World({ cluster, random, clients, keys, leaseMs, say });
  let rounds = 0;
  let operations = 0;
  let scenario: Scenario | undefined;
  try {
    while (performance.now() < endMs) {
      scenario = next(options, rounds, random);
      say(`${++rounds}. ${scenario.name}: ${scenario.text}`);
      const beganMs = performance.now();
      const { tally, operations: count, recoveryMs } = await world.play(scenario.run);
      operations += count;
      const tookS = ((performance.now() - beganMs) / 1000).toFixed(1);
      say(
        `  ${tookS} s: ${tally.done} done, ${tally.refused} refused, ${tally.lost} in doubt, longest gap ${Math.round(tally.longestGapMs)} ms, well again after ${Math.round(recoveryMs)} ms`,
      );
    }
    await world.ledger.check(true);
    const failovers = [...world.failoversMs].sort((left, right) => left - right);
    const at = (share: number): number => Math.round(failovers[Math.floor(share * (failovers.length - 1))] ?? 0);
    const times =
      failovers.length === 0
        ? ''
        : `; ${failovers.length} failovers: ${at(0)} / ${at(0.5)} / ${at(1)} ms (min / median / max)`;
    console.log(
      `nothing is wrong: ${rounds} rounds, ${operations} operations, ${world.ledger.count} writes of the ledger all there${times}`,
    );
    return 0;
  } catch (error) {
    const folder = await cluster.saveLogs();
    const text = error instanceof Error ? (error.name === 'Violation' ? error.message : error.stack) : String(error);
    console.log(
      `WRONG, in round ${rounds} (${scenario?.name}), seed ${options.seed}:\n${text}\nLogs of the nodes: ${folder}`,
    );
    return 1;
  } finally {
    await cluster.end();
  }
}

/** Each in turn, then by chance. */
function next({ scenario }: TortureOptions, round: number, random: SeededRandom): Scenario {
  const only = scenarios.find(({ name }) => name === scenario);
  return only ?? scenarios[round] ?? random.pick(scenarios);
}

const options = readTortureOptions(process.argv.slice(2));
if (options === null) console.log(usage);
else if (typeof options === 'string') {
  console.error(`${options}\n--help shows all options`);
  process.exitCode = 2;
} else process.exitCode = await torture(options);
