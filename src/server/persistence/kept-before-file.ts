import { join, resolve } from 'node:path';
import { KEYS_FOLDER } from '../../persistence/manifest.ts';
import { readManifest } from '../../persistence/manifest-file.ts';

/** Whether a node has kept keys in that directory, by its manifest, whole or damaged. */
export function hasKeptKeys(dataDir: string): boolean {
  try {
    return readManifest(join(resolve(dataDir), KEYS_FOLDER)) !== null;
  } catch {
    // Who may not look keeps nothing there either.
    return false;
  }
}
