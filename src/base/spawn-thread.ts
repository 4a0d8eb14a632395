import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread on a module of this project. From the built tree that is a plain worker. From TypeScript sources
 * (tests, `npm run dev`) Node.js 20 cannot load the module itself, and a loader registered in this thread does not
 * reach into the new one; there the thread begins with two lines that load the module through tsx.
 */
export function spawnThread(entry: URL, options: WorkerOptions): Worker {
  const worker = begin(entry, options);
  running.add(worker);
  worker.once('exit', () => running.delete(worker));
  return worker;
}

const running = new Set<Worker>();

/**
 * Ends all threads that {@link spawnThread} has started here and that still run. Returns how many have not ended after
 * `deadlineMs`: they are in a call of the system that does not return, as on a disk that does not answer, and the process
 * would wait for them at its own end.
 */
export async function endThreads(deadlineMs: number): Promise<number> {
  if (running.size === 0) return 0;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([deadline, Promise.all([...running].map((worker) => worker.terminate()))]);
  clearTimeout(timer);
  return running.size;
}

function begin(entry: URL, options: WorkerOptions): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const module = JSON.stringify(entry.href);
  const code = `import { tsImport } from ${loader}; await tsImport(${module}, ${module});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), options);
}

/** The module `name` beside the module `base`, with the extension that `base` itself was loaded by. */
export function moduleBeside(name: string, base: string): URL {
  return new URL(`${name}${base.endsWith('.ts') ? '.ts' : '.js'}`, base);
}
