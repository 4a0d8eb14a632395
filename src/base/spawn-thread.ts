import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread on a module of this project. From the built tree that is a plain worker. From TypeScript sources
 * (tests, `npm run dev`) Node.js 20 cannot load the module itself, and a loader registered in this thread does not
 * reach into the new one; there the thread begins with two lines that load the module through tsx.
 */
export function spawnThread(entry: URL, options: WorkerOptions): Worker {
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
