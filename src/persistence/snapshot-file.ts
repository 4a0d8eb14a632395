import { fstatSync, readSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readName } from './data-names.ts';
import { encodeSnapshotEnd, lastSnapshotEnd, SNAPSHOT_END_BYTES, type SnapshotEnd } from './snapshot-marks.ts';
import { withFile } from './with-file.ts';

/** What publishing needs of a file system. */
export interface PublishingFiles {
  readonly open: typeof open;
  readonly rename: typeof rename;
}

/**
 * Ends a snapshot of `length` bytes, which is at `temporary`, and gives it its name: it counts from then on. Whenever this
 * is interrupted, there is either what was there before or the whole snapshot.
 */
export async function publishSnapshot(
  temporary: string,
  path: string,
  length: number,
  end: SnapshotEnd,
  seed: number,
  files: PublishingFiles = { open, rename },
): Promise<number> {
  const bytes = encodeSnapshotEnd(end, seed);
  const file = await files.open(temporary, 'r+');
  try {
    await file.truncate(length);
    for (let written = 0; written < bytes.length; ) {
      const result = await file.write(bytes, written, bytes.length - written, length + written);
      written += result.bytesWritten;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, path);
  const folder = await files.open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return length + bytes.length;
}

/**
 * Removes from a folder what the snapshot of that sequence, which is on the disk, makes superfluous: snapshots and segments
 * before it. Its own segment begins with that sequence.
 */
export async function removeBefore(folder: string, sequence: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const named = readName(name);
    if (named !== null && named.sequence < sequence) await rm(join(folder, name), { force: true });
  }
}

/** The end of a snapshot that was published, and read as a whole since. */
export function readSnapshotEnd(path: string): SnapshotEnd {
  return withFile(path, 'r', (fd) => {
    const bytes = new Uint8Array(SNAPSHOT_END_BYTES);
    readSync(fd, bytes, 0, bytes.length, fstatSync(fd).size - bytes.length);
    return lastSnapshotEnd(bytes);
  });
}
