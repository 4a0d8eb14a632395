import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Whether redis-cli and redis-benchmark, of Debian's redis-tools, are here. */
export const areRedisToolsInstalled = ['redis-cli', 'redis-benchmark'].every(
  (program) => spawnSync(program, ['--version']).status === 0,
);

export interface ToolEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; once its output is as `isEnough` says, it is sent SIGINT. */
export async function runTool(
  argv: readonly [string, ...string[]],
  input: string | Uint8Array = '',
  isEnough: (stdout: string) => boolean = () => false,
): Promise<ToolEnd> {
  const [program, ...args] = argv;
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('REDISCLI_'));
  const child = spawn(program, args, { env: Object.fromEntries(clean) });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (isEnough(stdout)) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
