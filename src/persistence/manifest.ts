import { crc32 } from 'node:zlib';
import { STORE_ID_BYTES } from './file-header.ts';

/** What is known of the data in a node's directory, from the file {@link MANIFEST_NAME} of the folder {@link KEYS_FOLDER}. */
export interface Manifest {
  readonly storeId: Uint8Array;
  readonly partitions: number;
  readonly shards: number;
  /** Name of the folder that has one for each shard. */
  readonly generation: string;
  readonly keeps: Kept;
}

/** Logs of a node by itself hold what was done to its keys; those of a node in a cluster, what its copies did. */
export type Kept = 'keys' | 'copies';

export const KEYS_FOLDER = 'keys';
export const MANIFEST_NAME = 'manifest.json';
/** In the folder of keys: names the process that has it. */
export const LOCK_NAME = 'keys.lock';
/** Generations bear such names. */
export const GENERATION = /^generation-(\d{1,9})$/;

const FORMAT = 1;

/** What the file is to hold. */
export function encodeManifest(manifest: Manifest): string {
  const fields = fieldsOf(manifest);
  return `${JSON.stringify({ ...fields, check: checkOf(fields) }, null, 2)}\n`;
}

/** The manifest in a file's text, or what is wrong with it. */
export function decodeManifest(text: string): Manifest | string {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (typeof read !== 'object' || read === null) return 'it is damaged';
  const { format, storeId, partitions, shards, generation, keeps, check } = read as Record<string, unknown>;
  if (format !== FORMAT) return `it is of format ${String(format)}, and this version reads ${FORMAT}`;
  const manifest: Manifest = {
    storeId: Buffer.from(String(storeId), 'hex'),
    partitions: Number(partitions),
    shards: Number(shards),
    generation: String(generation),
    keeps: keeps === 'copies' ? keeps : 'keys',
  };
  const isSound = manifest.storeId.length === STORE_ID_BYTES && GENERATION.test(manifest.generation);
  return isSound && check === checkOf(fieldsOf(manifest)) ? manifest : 'it is damaged, or was changed by hand';
}

function fieldsOf({ storeId, partitions, shards, generation, keeps }: Manifest) {
  return { format: FORMAT, storeId: Buffer.from(storeId).toString('hex'), partitions, shards, generation, keeps };
}

/** Fewer shards than there were, and the keys of the others would be forgotten. */
function checkOf(fields: ReturnType<typeof fieldsOf>): string {
  return crc32(JSON.stringify(fields)).toString(16).padStart(8, '0');
}
