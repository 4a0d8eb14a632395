import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readName, shardFolder, shardFoldersIn } from './data-names.ts';
import { readHeader } from './header-file.ts';
import { decodeManifest, encodeManifest, GENERATION, MANIFEST_NAME, type Manifest } from './manifest.ts';
import { publishFile } from './publish-file.ts';
import { withFile } from './with-file.ts';
import { writeAll } from './write-all-file.ts';

/** In the directory of a node that is in a cluster, or was. */
const IDENTITY_NAME = 'node.json';

/** The manifest of a folder of keys, or what is wrong with it; null: there is none. */
export function readManifest(root: string): Manifest | string | null {
  const path = join(root, MANIFEST_NAME);
  return existsSync(path) ? decodeManifest(readFileSync(path, 'utf8')) : null;
}

/** Puts it in the place of the one that is there, if any; on the disk when this returns. */
export function writeManifest(root: string, manifest: Manifest): void {
  publishFile(join(root, MANIFEST_NAME), (fd) => writeAll(fd, Buffer.from(encodeManifest(manifest))));
}

/**
 * What a manifest that is lost has said, as far as the files tell: of the oldest generation that has any, which a later
 * one takes the place of only by a manifest. Null: there is none, or its files contradict each other.
 */
export function guessManifest(root: string, partitions: number): Manifest | null {
  const keeps = existsSync(join(dirname(root), IDENTITY_NAME)) ? 'copies' : 'keys';
  const numberOf = (name: string): number => Number(GENERATION.exec(name)?.[1] ?? 0);
  const generations = readdirSync(root).filter((name) => GENERATION.test(name));
  for (const generation of generations.sort((a, b) => numberOf(a) - numberOf(b))) {
    let found: Manifest | null = null;
    for (const folder of shardFoldersIn(readdirSync(join(root, generation), { withFileTypes: true })).sort()) {
      for (const name of readdirSync(join(root, generation, folder))) {
        if (readName(name) === null) continue;
        const header = withFile(join(root, generation, folder, name), 'r', readHeader);
        if (typeof header === 'string') continue;
        const { storeId, shards } = header;
        if (found !== null && (found.shards !== shards || Buffer.compare(found.storeId, storeId) !== 0)) return null;
        if (shardFolder(header.shard) !== folder) return null;
        found ??= { storeId, shards, partitions, generation, keeps };
      }
    }
    if (found !== null) return found;
  }
  return null;
}
