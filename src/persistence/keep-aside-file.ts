import { constants, copyFileSync, fsyncSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from './sync-folder-file.ts';
import { withFile } from './with-file.ts';

/** Copies a file to a folder, which is made if it is not there, before somebody changes it: on the disk when this returns. */
export function keepAside(path: string, asideFolder: string): void {
  mkdirSync(asideFolder, { recursive: true });
  const copy = join(asideFolder, basename(path));
  copyFileSync(path, copy, constants.COPYFILE_FICLONE);
  withFile(copy, 'r+', fsyncSync);
  syncFolder(asideFolder);
  syncFolder(dirname(asideFolder));
}
