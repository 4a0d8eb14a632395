import { parentPort, workerData } from 'node:worker_threads';
import { runLoad } from './bench-load.ts';
import type { BenchMessage, BenchPlan } from './bench-plan.ts';

/** A worker thread that runs one plan, its `workerData`, and tells how it goes. */
const tell = (message: BenchMessage) => parentPort?.postMessage(message);
try {
  const result = await runLoad(workerData as BenchPlan, (requests) => tell({ kind: 'progress', requests }));
  tell({ kind: 'result', result });
} catch (error) {
  tell({ kind: 'failure', message: error instanceof Error ? error.message : String(error) });
}
