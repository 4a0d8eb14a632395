import { fsyncSync } from 'node:fs';
import { withFile } from './with-file.ts';

/** Has the names of a folder's files be on the disk. */
export function syncFolder(folder: string): void {
  withFile(folder, 'r', fsyncSync);
}
