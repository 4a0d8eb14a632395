import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildMutant } from './build-mutant.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { type Run, runMutant } from './run-mutant.ts';

/**
 * Prints how many seeds, from the first on, it takes to notice each mutation of the core. `--seeds N`: at most so many.
 * `--only NAME,…`: these. `--update`: writes down the seeds that notice them, for the test.
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
const only = values.only?.split(',');
const chosen = mutations.filter(({ name }) => only === undefined || only.includes(name));
let survivors = 0;

/** The core as it is, and the seeds on which even that was found wrong: they show nothing. */
const plain = join(folder, 'none.mjs');
const spoiled = new Set<number>();

try {
  await buildMutant(null, plain);
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
  const { caughtBy, violation } = await hunt(bundle, Number(values.seeds));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const seeds = caughtBy === null ? `not in ${values.seeds}` : String(caughtBy);
  process.stdout.write(`| ${mutation.name} | ${seeds} | ${seconds} s | ${violation} |\n`);
  if (caughtBy === null) survivors++;
  else known[mutation.name] = caughtBy;
}

/** The first seed on which the mutant fails and the core as it is does not. */
async function hunt(bundle: string, last: number): Promise<Run> {
  let from = 1;
  for (;;) {
    const run = await runMutant(bundle, from, last + 1 - from);
    const seed = run.caughtBy;
    if (seed === null) return run;
    if (!spoiled.has(seed) && (await runMutant(plain, seed, 1)).caughtBy === null) return run;
    spoiled.add(seed);
    from = seed + 1;
  }
}
