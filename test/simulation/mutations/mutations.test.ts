import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildMutant, mutate } from './build-mutant.ts';
import { mutations } from './mutations.ts';
import { runMutant } from './run-mutant.ts';

/** How many seeds, from the known one on, a mutation may survive: a change of the core shifts what seeds do. */
const SEEDS = 60;

const folder = mkdtempSync(join(tmpdir(), 'fluxcache-mutants-'));
const known: Readonly<Partial<Record<string, number>>> = JSON.parse(
  readFileSync(new URL('./known-seeds.json', import.meta.url), 'utf8'),
);

test.after.always(() => rmSync(folder, { recursive: true }));

test('every mutation changes what is there exactly once, and has a seed that notices it', async (t) => {
  t.true(mutations.length >= 20);
  t.is(new Set(mutations.map(({ name }) => name)).size, mutations.length);
  for (const mutation of mutations) await t.notThrowsAsync(mutate(mutation));
  t.deepEqual(Object.keys(known).sort(), mutations.map(({ name }) => name).sort());
});

test.serial('the core as it is passes the seeds that notice its mutations', async (t) => {
  t.timeout(180_000);
  const bundle = join(folder, 'none.mjs');
  await buildMutant(null, bundle);
  const runs = new Map(
    mutations.map(({ name, profile }) => [`${profile ?? ''} ${known[name]}`, { seed: known[name] ?? 1, profile }]),
  );
  for (const [name, { seed, profile }] of runs) {
    const { violation } = await runMutant(bundle, seed, 1, profile);
    t.is(violation, '', `seed ${name}`);
  }
});

for (const mutation of mutations) {
  test.serial(`noticed: ${mutation.name}`, async (t) => {
    t.timeout(180_000);
    const bundle = join(folder, `${mutation.name}.mjs`);
    await buildMutant(mutation, bundle);
    const { caughtBy } = await runMutant(bundle, known[mutation.name] ?? 1, SEEDS, mutation.profile);
    t.not(caughtBy, null, mutation.why);
  });
}
