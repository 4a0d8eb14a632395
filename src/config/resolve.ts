import { isLoopback } from '../base/addresses.ts';
import { nearest } from '../base/nearest.ts';
import { formatBytes } from '../base/units.ts';
import { clusterContradictions } from './cluster-contradictions.ts';
import type { Machine, Option } from './kinds.ts';
import { SHARD_BYTES_MAX, SHARD_BYTES_MIN } from './memory-options.ts';
import { type Config, flagOf, type OptionName, optionNames, options, variableOf } from './options.ts';
import { persistenceContradictions } from './persistence-contradictions.ts';

/** Where a value came from; later ones win over earlier. */
export type Source = 'default' | 'file' | 'environment' | 'flag';

/** What was given, not yet read: raw values by the name their source uses (`--http-port`, `FLUXCACHE_HTTP_PORT`, `httpPort`). */
export interface ConfigInputs {
  readonly flags: ReadonlyMap<string, unknown>;
  readonly environment: ReadonlyMap<string, unknown>;
  readonly file: { readonly path: string; readonly values: ReadonlyMap<unknown, unknown> } | undefined;
  readonly machine: Machine;
}

export interface ResolvedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<OptionName, Source>>;
}

export type Resolution = { readonly kind: 'config'; readonly resolved: ResolvedConfig } | Problems;
/** What is wrong, a sentence each, all of it at once. */
export interface Problems {
  readonly kind: 'problems';
  readonly problems: readonly string[];
}

/** Variables with our prefix that say nothing to this program, and are let pass. */
const FOREIGN_VARIABLES = [
  // Ours, but of the client and of the tests.
  /^FLUXCACHE_(URL|TEST_SCALE|UPDATE_DOCS)$/,
  // Kubernetes describes a service named fluxcache to every container by these.
  /^FLUXCACHE_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_\w+)$/,
];
/** Read before all others, because it names the file. */
export const CONFIG_VARIABLE = 'FLUXCACHE_CONFIG';

/** Merges flags over environment over file over defaults, and refuses what is unknown, wrong or contradictory. */
export function resolveConfig(inputs: ConfigInputs): Resolution {
  const problems: string[] = [];
  const values: Partial<Record<OptionName, unknown>> = {};
  const sources = {} as Record<OptionName, Source>;
  const fileWhere = inputs.file === undefined ? '' : ` in ${inputs.file.path}`;

  for (const name of optionNames) {
    const option: Option<unknown> = options[name];
    const byDefault: unknown = option.default;
    values[name] = typeof byDefault === 'function' ? byDefault(inputs.machine) : byDefault;
    sources[name] = 'default';
    const given: [Source, string, unknown][] = [
      ['file', `${name}${fileWhere}`, inputs.file?.values.get(name)],
      ['environment', variableOf(name), inputs.environment.get(variableOf(name)) || undefined],
      ['flag', flagOf(name), inputs.flags.get(flagOf(name))],
    ];
    for (const [source, label, raw] of given) {
      if (raw === undefined) continue;
      const read = option.schema.safeParse(raw);
      if (read.success) {
        values[name] = read.data;
        sources[name] = source;
      } else {
        problems.push(`${label}: ${refusalOf(option, raw)}`);
      }
    }
  }

  problems.push(...unknownNames(inputs, fileWhere));
  if (problems.length > 0) return { kind: 'problems', problems };
  const config = values as Config;
  const contradictions = contradictionsOf(config, (name) => labelOf(name, sources[name], inputs));
  if (contradictions.length > 0) return { kind: 'problems', problems: contradictions };
  return { kind: 'config', resolved: { config, sources } };
}

function unknownNames({ flags, environment, file }: ConfigInputs, fileWhere: string): string[] {
  const problems: string[] = [];
  const report = (label: string, name: string, known: string[]) => {
    const near = nearest(name, known);
    problems.push(`${label}: there is no such option.${near === undefined ? '' : ` Did you mean ${near}?`}`);
  };
  const knownFlags = optionNames.map(flagOf);
  for (const name of flags.keys()) {
    if (!knownFlags.includes(name)) report(name, name, knownFlags);
  }
  const knownVariables = [...optionNames.map(variableOf), CONFIG_VARIABLE];
  for (const name of environment.keys()) {
    const ours = name.startsWith('FLUXCACHE_') && !FOREIGN_VARIABLES.some((pattern) => pattern.test(name));
    if (ours && !knownVariables.includes(name)) report(name, name, knownVariables);
  }
  for (const name of file?.values.keys() ?? []) {
    if (!optionNames.includes(name as OptionName))
      report(`${String(name)}${fileWhere}`, String(name), [...optionNames]);
  }
  return problems;
}

/** Options that are right one by one and wrong together. */
function contradictionsOf(config: Config, label: (name: OptionName) => string): string[] {
  const problems: string[] = [];
  const hasCredentials = config.password !== '' || config.usersFile !== '';
  if (!isLoopback(config.bind) && !hasCredentials && !config.insecure) {
    problems.push(
      `${label('bind')}: other machines can reach ${config.bind}, so credentials are needed. ` +
        `Set ${flagOf('password')} or ${flagOf('usersFile')}, or say ${flagOf('insecure')} to serve everybody.`,
    );
  }
  if (config.insecure && hasCredentials) {
    const other = config.password === '' ? 'usersFile' : 'password';
    problems.push(
      `${label('insecure')} contradicts ${label(other)}: either credentials are asked for or they are not.`,
    );
  }
  if (config.probeCredentials && !hasCredentials) {
    problems.push(
      `${label('probeCredentials')}: there are no credentials to ask for. Set ${flagOf('password')} or ${flagOf('usersFile')}.`,
    );
  }
  if (config.httpPort === config.tcpPort && config.httpPort !== 0) {
    problems.push(
      `${label('httpPort')} contradicts ${label('tcpPort')}: both are ${config.httpPort}, and each needs a port of its own.`,
    );
  }
  if ((config.tlsCert === '') !== (config.tlsKey === '')) {
    const [given, absent] = config.tlsCert === '' ? (['tlsKey', 'tlsCert'] as const) : (['tlsCert', 'tlsKey'] as const);
    problems.push(`${label(given)}: TLS needs the certificate and its key. Set ${flagOf(absent)}, too.`);
  }
  if (config.tlsCert === '' && config.tlsKey === '') {
    for (const name of ['tlsCa', 'tlsClients', 'tlsMinVersion'] as const) {
      if (config[name] === options[name].default) continue;
      problems.push(
        `${label(name)}: there is no TLS without a certificate. Set ${flagOf('tlsCert')} and ${flagOf('tlsKey')}.`,
      );
    }
  } else if (config.tlsClients === 'optional' && config.tlsCa === '') {
    problems.push(`${label('tlsClients')}: nothing says whose certificates to trust. Set ${flagOf('tlsCa')}.`);
  }
  if (config.maxValue > config.maxBody) {
    problems.push(
      `${label('maxValue')}: ${formatBytes(config.maxValue)} would not fit a request of at most ` +
        `${formatBytes(config.maxBody)} (${label('maxBody')}). Raise the one or lower the other.`,
    );
  }
  if (config.maxUrl > config.maxHeaders) {
    problems.push(
      `${label('maxUrl')}: ${formatBytes(config.maxUrl)} would not fit headers of at most ` +
        `${formatBytes(config.maxHeaders)} (${label('maxHeaders')}). Raise the one or lower the other.`,
    );
  }
  if (config.maxMemory > config.shards * SHARD_BYTES_MAX) {
    problems.push(
      `${label('maxMemory')}: a shard holds at most ${formatBytes(SHARD_BYTES_MAX)}, so ${formatBytes(config.maxMemory)} ` +
        `needs ${Math.ceil(config.maxMemory / SHARD_BYTES_MAX)} shards; there are ${config.shards} (${label('shards')}).`,
    );
  }
  if (config.maxMemory < config.shards * SHARD_BYTES_MIN) {
    problems.push(
      `${label('maxMemory')}: a shard needs at least ${formatBytes(SHARD_BYTES_MIN)}, so ${formatBytes(config.maxMemory)} ` +
        `is enough for ${Math.floor(config.maxMemory / SHARD_BYTES_MIN)} shards; there are ${config.shards} (${label('shards')}).`,
    );
  }
  for (const prefix of config.metricsPrefixes) {
    if (!/[a-z0-9]$/i.test(prefix)) continue;
    problems.push(
      `${label('metricsPrefixes')}: ${JSON.stringify(prefix)} would count all keys that begin so, ` +
        `${JSON.stringify(`${prefix}s…`)} as well. Write ${JSON.stringify(`${prefix}${config.prefixSeparator}`)}, with its separator.`,
    );
  }
  problems.push(...persistenceContradictions(config, label), ...clusterContradictions(config, label));
  return problems;
}

function refusalOf(option: Option<unknown>, raw: unknown): string {
  const value = option.secret === true ? 'this value' : quote(raw);
  // YAML reads 0123 as a number and would lose the zero.
  const unquoted = /^(number|boolean)$/.test(typeof raw) && option.schema.safeParse(String(raw)).success;
  return `${value} is not allowed. Allowed: ${option.allowed}${unquoted ? ', in quotes' : ''}.`;
}

/** How the user named the option, or could have. */
function labelOf(name: OptionName, source: Source, inputs: ConfigInputs): string {
  if (source === 'environment') return variableOf(name);
  if (source === 'file') return `${name} in ${inputs.file?.path ?? 'the file'}`;
  return source === 'flag' ? flagOf(name) : `${flagOf(name)} (default)`;
}

function quote(raw: unknown): string {
  const text = JSON.stringify(raw) ?? String(raw);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** The effective configuration as a file that would give it, each line with where it came from. */
export function printConfig({ config, sources }: ResolvedConfig): string {
  const lines = optionNames.map((name) => {
    const option: Option<unknown> = options[name];
    if (option.secret === true)
      return `# ${name}: ${config[name] === '' ? 'not set' : `set by ${sources[name]}, not shown`}`;
    return `${name}: ${option.print(config[name])}  # ${sources[name]}`;
  });
  return `${lines.join('\n')}\n`;
}
