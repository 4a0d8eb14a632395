/**
 * A log's thread whose disk fails as a file in the node's directory says: only tests start threads on this module. The
 * file is named `fault`, and holds a word: `enospc` and `eio` (writes), `sync` (syncs fail), `hang` (writes take until it
 * is another), `die` (the thread does).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workerData } from 'node:worker_threads';
import { LogDiskFile } from '../../../src/persistence/log-disk-file.ts';
import type { LogThreadData } from '../../../src/persistence/log-thread-data.ts';
import { serveLog } from '../../../src/persistence/serve-log-thread.ts';

// The folder is DIR/keys/generation-N/shard-NNN.
const path = join((workerData as LogThreadData).folder, '../../../fault');
const nothing = new Int32Array(new SharedArrayBuffer(4));

function fault(): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function failure(code: string, errno: number): Error {
  return Object.assign(new Error(`${code}: as the test has asked for`), { code, errno: -errno });
}

const { append, sync } = LogDiskFile.prototype;

LogDiskFile.prototype.append = function (this: LogDiskFile, bytes: Uint8Array): void {
  while (fault() === 'hang') Atomics.wait(nothing, 0, 0, 5);
  const word = fault();
  if (word === 'die') process.exit(3);
  if (word === 'enospc' || word === 'eio') {
    // As much as there is room for.
    if (bytes.length > 1) append.call(this, bytes.subarray(0, bytes.length >> 1));
    throw word === 'eio' ? failure('EIO', 5) : failure('ENOSPC', 28);
  }
  append.call(this, bytes);
};

LogDiskFile.prototype.sync = function (this: LogDiskFile): void {
  if (fault() === 'sync') throw failure('EIO', 5);
  sync.call(this);
};

serveLog();
