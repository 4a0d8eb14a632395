import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildMutant, mutate } from './build-mutant.ts';
import { mutations } from './mutations.ts';
import { runMutant } from './run-mutant.ts';

/** How many seeds, from the known one on, a mutation may survive: a change of the core shifts what seeds do. */
const SEEDS = 40;

const folder = await mkdtemp(join(tmpdir(), 'fluxcache-mutants-'));
test.after.always(() => rm(folder, { recursive: true }));

const text = await readFile(new URL('./known-seeds.json', import.meta.url), 'utf8');
const known = new Map(Object.entries(JSON.parse(text) as Record<string, number>));

test('every mutation changes what is there exactly once, and has a seed that notices it', async (t) => {
  t.true(mutations.length >= 20);
  t.is(new Set(mutations.map(({ name }) => name)).size, mutations.length);
  for (const mutation of mutations) {
    await t.notThrowsAsync(mutate(mutation));
    t.true(known.has(mutation.name), `run test/simulation/mutations/main.ts --update for ${mutation.name}`);
  }
  t.is(known.size, mutations.length, 'a seed is known of a mutation that there is none of');
});

test.serial('the core as it is passes the seeds that notice its mutations', async (t) => {
  t.timeout(180_000);
  const bundle = join(folder, 'none.mjs');
  await buildMutant(null, bundle);
  for (const seed of new Set(known.values())) {
    const { violation } = await runMutant(bundle, seed, 1);
    t.is(violation, '', `seed ${seed}`);
  }
});

for (const mutation of mutations) {
  test.serial(`noticed: ${mutation.name}`, async (t) => {
    t.timeout(180_000);
    const bundle = join(folder, `${mutation.name}.mjs`);
    await buildMutant(mutation, bundle);
    const { caughtBy } = await runMutant(bundle, known.get(mutation.name) ?? 1, SEEDS);
    t.not(caughtBy, null, mutation.why);
  });
}
