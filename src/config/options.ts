import type { z } from 'zod';
import { clusterOptions } from './cluster-options.ts';
import { limitOptions } from './limit-options.ts';
import { memoryOptions } from './memory-options.ts';
import { monitoringOptions } from './monitoring-options.ts';
import { networkOptions } from './network-options.ts';
import { nodeOptions } from './node-options.ts';
import { persistenceOptions } from './persistence-options.ts';

/**
 * Every option of the server, one row each. The key is the name in a configuration file; `httpPort` makes the flag
 * `--http-port` and the variable `FLUXCACHE_HTTP_PORT`. Flags, variables, file, `--help` and the reference follow.
 */
export const options = {
  ...networkOptions,
  ...memoryOptions,
  ...limitOptions,
  ...clusterOptions,
  ...persistenceOptions,
  ...monitoringOptions,
  ...nodeOptions,
} as const;

export type OptionName = keyof typeof options;

/** The effective value of every option: sizes in bytes, times in milliseconds. */
export type Config = { readonly [Name in OptionName]: z.output<(typeof options)[Name]['schema']> };

export const optionNames = Object.keys(options) as OptionName[];

/** `httpPort` → `--http-port`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `httpPort` → `FLUXCACHE_HTTP_PORT`. */
export function variableOf(name: string): string {
  return `FLUXCACHE_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
