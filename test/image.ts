import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../src/config/options.ts';

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

/** The same of a node that keeps its keys: what may wait for a disk that is slow is held in memory. */
export function keepingProcessBytesBeside({
  maxMemory,
  shards,
  maxLogQueue,
}: Pick<Config, 'maxMemory' | 'shards' | 'maxLogQueue'>): number {
  return processBytesBeside(maxMemory) + shards * maxLogQueue;
}

/**
 * The most that the disk of such a node takes: a snapshot, the next one while it is made, a log that is as large as one before
 * that is begun, and what is written meanwhile. As configs/README.md has it.
 */
export function keptBytesMax(maxMemory: number): number {
  return 4 * maxMemory;
}

/** How long a start may take that reads a snapshot and a log as large, off a disk that gives 10 MB a second. */
export function loadingMsMax(maxMemory: number): number {
  return ((2 * maxMemory) / 10_000_000) * 1000;
}
