import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ProfileName } from '../profiles.ts';

const run = promisify(execFile);

export interface Run {
  /** The first seed that ended in a violation. */
  readonly caughtBy: number | null;
  readonly violation: string;
}

/** Runs a bundle of {@link buildMutant} in a process of its own over seeds from `from` on, until one is violated. */
export async function runMutant(bundle: string, from: number, count: number, profile?: ProfileName): Promise<Run> {
  const input = [bundle, String(from), String(count), ...(profile === undefined ? [] : [profile])];
  const { stdout } = await run(process.execPath, input, { maxBuffer: 1 << 24 });
  const [seed, ...violation] = stdout.trim().split(' ');
  return { caughtBy: seed === 'none' ? null : Number(seed), violation: violation.join(' ') };
}
