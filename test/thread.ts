import { Worker } from 'node:worker_threads';

/** Starts a TypeScript module as a worker thread; `data` is its `workerData`. */
export function startThread(entry: URL, data: object): Worker {
  return new Worker(new URL('./worker-bootstrap.mjs', import.meta.url), { workerData: { ...data, entry: entry.href } });
}
