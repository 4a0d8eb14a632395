import { parseArgs } from 'node:util';
import { huntMutants } from './hunt-mutants.ts';
import { mutations } from './mutations.ts';

const usage = `Usage: npx tsx test/simulation/mutations/main.ts [options]

Prints how many seeds of the simulator, from the first on, it takes to notice each mutation of the core.

  --seeds N          at most so many for each (default 1500)
  --only NAME,...    these mutations rather than all
  --update           write the seeds down for the test, in known-seeds.json
  --help             print this
`;

process.exitCode = await run();

async function run(): Promise<number> {
  let values: { seeds?: string; only?: string; update?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        seeds: { type: 'string' },
        only: { type: 'string' },
        update: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const seeds = Number(values.seeds ?? '1500');
  if (!Number.isSafeInteger(seeds) || seeds < 1)
    return refuse(`--seeds is ${values.seeds}; it must be a whole number from 1`);
  const only = values.only?.split(',') ?? null;
  const names = mutations.map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) return refuse(`there is no mutation ${unknown}; there are ${names.join(', ')}`);
  const print = (row: string) => process.stdout.write(`${row}\n`);
  return (await huntMutants({ seeds, only, isUpdate: values.update === true }, print)) > 0 ? 1 : 0;
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n\n${usage}`);
  return 2;
}
