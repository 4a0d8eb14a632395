import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { builtTree } from '../../built-tree.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program and what comes before its arguments. */
export const program: readonly string[] = [process.execPath, join(await builtTree(), 'cli.js')];

/** Runs the program to its end, with none of the variables it reads but the given ones. */
export async function runProgram(
  args: readonly string[],
  { input = '' as string | Uint8Array, environment = {} as Record<string, string> } = {},
): Promise<Ended> {
  const clean = Object.entries(process.env).filter(([name]) => !/^(FLUXCACHE_|REDISCLI_)/.test(name));
  const [node, ...before] = program;
  const env = { ...Object.fromEntries(clean), ...environment };
  const child = spawn(node as string, [...before, ...args], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
