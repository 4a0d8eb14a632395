import { fsyncSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { unfinished } from './data-names.ts';
import { syncFolder } from './sync-folder-file.ts';
import { withFile } from './with-file.ts';

/**
 * Writes a file that appears under its name, in the place of one that is there, when all of it is on the disk. Under that name
 * it is on the disk when this returns.
 */
export function publishFile(path: string, write: (fd: number) => void): void {
  const temporary = unfinished(path);
  withFile(temporary, 'w', (fd) => {
    write(fd);
    fsyncSync(fd);
  });
  renameSync(temporary, path);
  syncFolder(dirname(path));
}
