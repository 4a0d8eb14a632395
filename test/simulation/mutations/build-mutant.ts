import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Mutation } from './mutation.ts';

const cluster = fileURLToPath(new URL('../../../src/cluster/', import.meta.url));
const entry = fileURLToPath(new URL('./run-seeds.ts', import.meta.url));

/** Bundles the simulator, with one piece of the core replaced or (null) as it is, into one file that `node` runs. */
export async function buildMutant(mutation: Mutation | null, outfile: string): Promise<void> {
  const mutant = mutation === null ? null : await mutate(mutation);
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
    plugins: [
      {
        name: 'mutation',
        setup: (setup) => {
          setup.onLoad({ filter: /\.ts$/ }, ({ path }) =>
            mutant !== null && path === mutant.path ? { contents: mutant.text, loader: 'ts' } : null,
          );
        },
      },
    ],
  });
}

/** The file's text with the mutation in it. Throws unless what it replaces is there exactly once. */
export async function mutate({ name, file, find, replace }: Mutation): Promise<{ path: string; text: string }> {
  const path = `${cluster}${file}`;
  const parts = (await readFile(path, 'utf8')).split(find);
  if (parts.length !== 2) throw new Error(`mutation ${name}: ${file} holds what it replaces ${parts.length - 1} times`);
  return { path, text: parts.join(replace) };
}
