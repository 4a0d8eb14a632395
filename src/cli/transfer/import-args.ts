import { optionsFirst, readOptions } from '../command-line.ts';
import type { OptionValues } from '../option-kinds.ts';
import { otherTargetOf, type Target, targetOf } from '../target.ts';
import { importOptions } from './transfer-options.ts';

export type ImportValues = OptionValues<typeof importOptions>;

/** What `fluxcache import` was told. */
export interface ImportArgs {
  readonly asksHelp: boolean;
  /** What is wrong, a sentence each; with any, nothing else counts. */
  readonly problems: readonly string[];
  readonly values: ImportValues;
  readonly target: Target;
  /** A server, or the path of a file; '-' is standard input. */
  readonly from: Target | string;
}

const ofServers = ['asJson', 'fromCaFile', 'fromCertFile', 'fromKeyFile', 'fromInsecure'] as const;
const ofFiles = ['skip', 'format'] as const;
const FROM_FLAGS = {
  caFile: '--from-cacert',
  certFile: '--from-cert',
  keyFile: '--from-key',
  insecure: '--from-insecure',
} as const;

/** `isTerminal`: standard input is one, from which nobody means to import without saying so. */
export function readImportArgs(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): ImportArgs {
  const { values, given, rest, problems: found, asks } = readOptions(importOptions, optionsFirst(importOptions, args));
  const problems = [...found];
  const { from: url } = values;
  const file = rest[0] ?? (url === undefined && !isTerminal ? '-' : undefined);
  if (rest.length > 1) problems.push(`import takes one file, but was given ${rest.length}.`);
  if (file === undefined && url === undefined) {
    problems.push('import needs a FILE, - for standard input, or --from URL.');
  }
  if (file !== undefined && url !== undefined) problems.push('--from takes no FILE.');
  for (const name of url === undefined ? ofServers : ofFiles) {
    if (!given.has(name)) continue;
    const flag = importOptions[name].flags[0];
    problems.push(url === undefined ? `${flag} goes with --from.` : `${flag} is of files, and --from is none.`);
  }
  if (url === undefined && /^(hash|list|set|zset|stream)$/.test(values.type)) {
    problems.push(`--type ${values.type} goes with --from: files have none of it.`);
  }
  const target = targetOf(values, given, environment, problems);
  const from = url === undefined ? (file ?? '-') : fromTargetOf(url, values, environment, problems);
  return { asksHelp: asks === 'help', problems, values, target, from };
}

function fromTargetOf(
  url: string,
  { fromCaFile, fromCertFile, fromKeyFile, fromInsecure }: ImportValues,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Target {
  const files = { caFile: fromCaFile, certFile: fromCertFile, keyFile: fromKeyFile };
  const password = environment['FLUXCACHE_FROM_PASSWORD'] || undefined;
  const all = { ...files, insecure: fromInsecure, serverName: undefined, password };
  return otherTargetOf(url, '--from', all, FROM_FLAGS, problems);
}
