import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const dockerfile = fileURLToPath(new URL('../Docker/Dockerfile', import.meta.url));

/** Variables of the options that the image sets, by the lines ENV of the Dockerfile's last stage. */
export function imageEnvironment(): Map<string, string> {
  const text = readFileSync(dockerfile, 'utf8');
  const stage = text.slice(text.lastIndexOf('\nFROM '));
  const lines = [...stage.matchAll(/^ENV (.*)$/gm)].flatMap(([, assignments = '']) => assignments.split(' '));
  const variables = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  return new Map(variables.filter(([name]) => name.startsWith('FLUXCACHE_')));
}

/**
 * What a process needs beside the memory of its keys, so that it is not ended for it: itself, and what it holds for
 * connections, copies on other nodes, and jobs. As configs/README.md has it.
 */
export function processBytesBeside(maxMemory: number): number {
  return 400 * 2 ** 20 + maxMemory / 8;
}
