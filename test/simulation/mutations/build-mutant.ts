import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Edit, Mutation } from './mutation.ts';

const cluster = fileURLToPath(new URL('../../../src/cluster/', import.meta.url));
const entry = fileURLToPath(new URL('./run-seeds.ts', import.meta.url));

/** Bundles the simulator, with one piece of the core replaced or (null) as it is, into one file that `node` runs. */
export async function buildMutant(mutation: Mutation | null, outfile: string): Promise<void> {
  const texts = mutation === null ? new Map<string, string>() : await mutate(mutation);
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
          setup.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = texts.get(path);
            return contents === undefined ? null : { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
}

/** The texts of the files it changes, by path. Throws unless each piece it replaces is there exactly once. */
export async function mutate({ name, also = [], ...first }: Mutation): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of [first, ...also] satisfies Edit[]) {
    const path = `${cluster}${file}`;
    const parts = (texts.get(path) ?? (await readFile(path, 'utf8'))).split(find);
    if (parts.length !== 2)
      throw new Error(`mutation ${name}: ${file} holds a piece ${parts.length - 1} times: ${find}`);
    texts.set(path, parts.join(replace));
  }
  return texts;
}
