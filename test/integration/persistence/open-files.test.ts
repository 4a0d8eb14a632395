import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readFolder } from '../../../src/persistence/shard-data-file.ts';
import { type Deed, keptFiles, TestFolder } from '../../kept-shard.ts';

const DESCRIPTORS = '/proc/self/fd';
const storeId = new Uint8Array(16).fill(5);

/** How many files of a folder this process has open. */
function openIn(folder: string): number {
  let count = 0;
  for (const name of readdirSync(DESCRIPTORS)) {
    try {
      if (readlinkSync(join(DESCRIPTORS, name)).startsWith(folder)) count++;
    } catch {
      // Closed meanwhile, by another thread.
    }
  }
  return count;
}

const testWithProc = existsSync(DESCRIPTORS) ? test : test.skip;

testWithProc('a log of many segments is read with one of them open at a time, and none afterwards', (t) => {
  const folder = new TestFolder();
  t.teardown(() => folder.end());
  const deeds = Array.from({ length: 100 }, (_, at): Deed => ({ do: 'put', key: `key:${at}`, value: 'v'.repeat(90) }));
  folder.fill(keptFiles(storeId, deeds));
  t.true(readdirSync(folder.path).length > 20);
  let most = 0;
  const onProgress = (): void => {
    most = Math.max(most, openIn(folder.path));
  };
  const sink = { recover: () => true, recoverEntries: () => true };
  const recovered = readFolder({ folder: folder.path, storeId, onProgress }, sink);
  t.is(recovered.records, deeds.length);
  t.is(most, 1);
  t.is(openIn(folder.path), 0);
});
