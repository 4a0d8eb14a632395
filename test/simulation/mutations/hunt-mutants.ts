import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProfileName } from '../profiles.ts';
import { buildMutant } from './build-mutant.ts';
import type { Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { type Run, runMutant } from './run-mutant.ts';

export interface HuntOptions {
  /** At most so many seeds for each mutation, from 1 on. */
  readonly seeds: number;
  /** By name; null: all of them. */
  readonly only: readonly string[] | null;
  /** Writes the seeds found into `known-seeds.json`, for the test. */
  readonly isUpdate: boolean;
}

const knownSeeds = new URL('./known-seeds.json', import.meta.url);

/** Tells, row by row of a table, how many seeds it takes to notice each mutation. Answers how many were not noticed. */
export async function huntMutants(
  { seeds, only, isUpdate }: HuntOptions,
  print: (row: string) => void,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-mutants-'));
  try {
    const hunt = await Hunt.begin(folder, seeds);
    const found = new Map<string, number>(Object.entries(JSON.parse(await readFile(knownSeeds, 'utf8'))));
    let survivors = 0;
    print('| mutation | seeds needed | seconds | seen as |');
    print('| --- | --- | --- | --- |');
    for (const mutation of mutations.filter(({ name }) => only === null || only.includes(name))) {
      const startedMs = performance.now();
      const { caughtBy, violation } = await hunt.measure(mutation);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      print(`| ${mutation.name} | ${caughtBy ?? `over ${seeds}`} | ${seconds} | ${violation} |`);
      if (caughtBy === null) survivors++;
      else found.set(mutation.name, caughtBy);
    }
    const kept = mutations.flatMap(({ name }) => [[name, found.get(name)]]);
    if (isUpdate) await writeFile(knownSeeds, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
    return survivors;
  } finally {
    await rm(folder, { recursive: true });
  }
}

class Hunt {
  readonly #folder: string;
  readonly #seeds: number;
  /** The core as it is. */
  readonly #plain: string;
  /** Seeds on which even that was found wrong: they show nothing. */
  readonly #spoiled = new Set<string>();

  private constructor(folder: string, seeds: number, plain: string) {
    this.#folder = folder;
    this.#seeds = seeds;
    this.#plain = plain;
  }

  static async begin(folder: string, seeds: number): Promise<Hunt> {
    const plain = join(folder, 'none.mjs');
    await buildMutant(null, plain);
    return new Hunt(folder, seeds, plain);
  }

  /** The first seed on which the mutant fails and the core as it is does not. */
  async measure(mutation: Mutation): Promise<Run> {
    const bundle = join(this.#folder, `${mutation.name}.mjs`);
    await buildMutant(mutation, bundle);
    for (let from = 1; ; ) {
      const run = await runMutant(bundle, from, this.#seeds + 1 - from, mutation.profile);
      if (run.caughtBy === null || !(await this.#isSpoiled(run.caughtBy, mutation.profile))) return run;
      from = run.caughtBy + 1;
    }
  }

  async #isSpoiled(seed: number, profile?: ProfileName): Promise<boolean> {
    const name = `${profile ?? ''} ${seed}`;
    if (this.#spoiled.has(name)) return true;
    if ((await runMutant(this.#plain, seed, 1, profile)).caughtBy === null) return false;
    this.#spoiled.add(name);
    return true;
  }
}
