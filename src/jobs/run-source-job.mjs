/** As run-job.ts, for a thread that was started from TypeScript sources: Node.js 20 cannot load these by itself. */
// biome-ignore lint/correctness/noUndeclaredDependencies: only in a working copy, where it is
import { tsImport } from 'tsx/esm/api';

/** By the address of the module: tsx would load it anew each time. */
const loaded = new Map();

export async function runJob({ entry, input }) {
  if (!loaded.has(entry)) loaded.set(entry, await tsImport(entry, import.meta.url));
  return loaded.get(entry).runJob(input);
}
