import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readName } from './data-names.ts';
import { encodeSnapshotEnd, type SnapshotEnd } from './snapshot-marks.ts';

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
): Promise<number> {
  const bytes = encodeSnapshotEnd(end, seed);
  const file = await open(temporary, 'r+');
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
  await rename(temporary, path);
  await syncNames(dirname(path));
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

async function syncNames(folder: string): Promise<void> {
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
