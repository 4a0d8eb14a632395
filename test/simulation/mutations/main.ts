import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildMutant } from './build-mutant.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { runMutant } from './run-mutant.ts';

/**
 * Prints how many seeds, from the first on, it takes to notice each mutation of the core. `--seeds N`: at most so many.
 * `--only NAME`: this one. `--update`: writes down the seeds that notice them, for the test.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '400' },
    only: { type: 'string' },
    update: { type: 'boolean', default: false },
  },
});
const knownSeeds = new URL('./known-seeds.json', import.meta.url);
const folder = await mkdtemp(join(tmpdir(), 'fluxcache-mutants-'));
const known = JSON.parse(await readFile(knownSeeds, 'utf8')) as Record<string, number>;
const chosen = mutations.filter(({ name }) => values.only === undefined || name === values.only);
let survivors = 0;

try {
  for (const mutation of chosen) await measure(mutation);
  if (values.update) {
    const kept = mutations.flatMap(({ name }) => (known[name] === undefined ? [] : [[name, known[name]] as const]));
    await writeFile(knownSeeds, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true });
}
process.exitCode = survivors > 0 ? 1 : 0;

async function measure(mutation: Mutation): Promise<void> {
  const bundle = join(folder, `${mutation.name}.mjs`);
  await buildMutant(mutation, bundle);
  const started = performance.now();
  const { caughtBy, violation } = await runMutant(bundle, 1, Number(values.seeds));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const seeds = caughtBy === null ? `not in ${values.seeds}` : String(caughtBy);
  process.stdout.write(`| ${mutation.name} | ${seeds} | ${seconds} s | ${violation} |\n`);
  if (caughtBy === null) survivors++;
  else known[mutation.name] = caughtBy;
}
