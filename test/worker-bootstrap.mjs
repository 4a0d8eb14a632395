/**
 * Runs a TypeScript module as a worker thread's entry. Node 20 does not carry the loader of `--import=tsx` over to
 * workers, so tests start this file and name the module:
 *
 *   new Worker(workerBootstrap, { workerData: { entry: new URL('./echo-thread.ts', import.meta.url).href, … } })
 */
import { workerData } from 'node:worker_threads';
import { tsImport } from 'tsx/esm/api';

await tsImport(workerData.entry, import.meta.url);
