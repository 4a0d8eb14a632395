import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { endThreads, spawnThread } from '../../../src/base/spawn-thread.ts';

function threadOf(code: string) {
  const whole = `import { parentPort } from 'node:worker_threads'; ${code}`;
  return spawnThread(new URL(`data:text/javascript,${encodeURIComponent(whole)}`), {});
}

test.serial('threads that run are ended, and none is left', async (t) => {
  const workers = [
    threadOf(`parentPort.on('message', () => undefined); parentPort.postMessage('runs');`),
    threadOf(`parentPort.postMessage('runs'); for (;;);`),
  ];
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  t.is(await endThreads(10_000), 0);
  t.is(await endThreads(10_000), 0);
});

test.serial('a thread that the system does not let go is told of, and waited for no longer than is said', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'flux-threads-'));
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  // Reading a pipe that nobody writes to is to a thread what a disk is that does not answer.
  const code = `const fs = await import('node:fs'); const file = fs.openSync(${JSON.stringify(path)}, 'r+');
    parentPort.postMessage('reads'); fs.readSync(file, Buffer.alloc(1));`;
  const worker = threadOf(code);
  await once(worker, 'message');
  t.is(await endThreads(50), 1);
  const ended = once(worker, 'exit');
  writeFileSync(path, 'x');
  await ended;
  t.is(await endThreads(50), 0);
  rmSync(directory, { recursive: true });
});
