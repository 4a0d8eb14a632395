import type { JobTask } from './job-pool.ts';

/** Does a job in the thread it was sent to. */
export async function runJob({ entry, input }: JobTask): Promise<unknown> {
  const module: { readonly runJob: (input: unknown) => unknown } = await import(entry);
  return module.runJob(input);
}
