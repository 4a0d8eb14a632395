import { isLoopback } from '../base/addresses.ts';
import { type Config, flagOf, type OptionName } from './options.ts';

/** Addresses that nothing can be reached at. */
const EVERYWHERE = ['0.0.0.0', '::', '[::]'];

/** Whether the node is one of a cluster. */
export function isInCluster({ seeds, bootstrapExpect }: Config): boolean {
  return seeds.length > 0 || bootstrapExpect > 0;
}

/** What cannot work together about a node of a cluster; `label` is how the user named an option. */
export function clusterContradictions(config: Config, label: (name: OptionName) => string): string[] {
  if (!isInCluster(config)) return [];
  return [
    ...reachFaults(config, label),
    ...portFaults(config, label),
    ...addressFaults(config, label),
    ...settingsFaults(config, label),
  ];
}

function reachFaults(config: Config, label: (name: OptionName) => string): string[] {
  const problems: string[] = [];
  const name = config.busBind === '' ? 'bind' : 'busBind';
  const host = config[name];
  if (isLoopback(host)) return problems;
  if (config.clusterSecret === '' && !config.insecure) {
    problems.push(
      `${label(name)}: other machines can reach the cluster bus at ${host}, so nodes need a secret to know each other by. ` +
        `Set ${flagOf('clusterSecret')}, or say ${flagOf('insecure')} to trust whoever connects.`,
    );
  }
  if (name === 'busBind' && isLoopback(config.bind) && config.announceLink === '') {
    problems.push(
      `${label('bind')}: other machines reach the bus at ${host}, but cannot forward commands to ${config.bind}. ` +
        `Let ${flagOf('bind')} be an address that they reach, too.`,
    );
  }
  return problems;
}

function portFaults(config: Config, label: (name: OptionName) => string): string[] {
  return (['tcpPort', 'httpPort'] as const)
    .filter((name) => config.busPort !== 0 && config.busPort === config[name])
    .map(
      (name) =>
        `${label('busPort')} contradicts ${label(name)}: both are ${config.busPort}, and each needs a port of its own.`,
    );
}

function addressFaults(config: Config, label: (name: OptionName) => string): string[] {
  const problems: string[] = [];
  for (const seed of config.seeds) {
    const fault = portFault(seed);
    if (fault !== null) problems.push(`${label('seeds')}: ${seed} ${fault}.`);
  }
  for (const name of ['announceBus', 'announceLink'] as const) {
    const fault = portFault(config[name]) ?? (isEverywhere(config[name]) ? EVERYWHERE_FAULT : null);
    if (fault !== null) problems.push(`${label(name)}: ${config[name]} ${fault}.`);
  }
  if (isEverywhere(config.announceHost)) {
    problems.push(`${label('announceHost')}: ${config.announceHost} ${EVERYWHERE_FAULT}.`);
  }
  return problems;
}

const EVERYWHERE_FAULT = 'is no address that anything can be reached at; name one that is, or none';

function isEverywhere(address: string): boolean {
  return EVERYWHERE.includes(address) || EVERYWHERE.some((host) => address.startsWith(`${host}:`) && host !== '::');
}

/** An address without a port takes the usual one. */
function portFault(address: string): string | null {
  const digits = /^(?:\[[^\]]*\]|[^:[\]]+):(\d+)$/.exec(address)?.[1];
  if (digits === undefined || /^srv:/i.test(address)) return null;
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? null : 'names no port from 1 to 65535';
}

function settingsFaults(config: Config, label: (name: OptionName) => string): string[] {
  const problems: string[] = [];
  if (config.minInSync > config.copies) {
    problems.push(
      `${label('minInSync')}: a write would wait for ${config.minInSync} copies, and there are to be ${config.copies} (${label('copies')}). ` +
        'Raise the one or lower the other.',
    );
  }
  if (config.partitions < config.shards) {
    problems.push(
      `${label('partitions')}: ${config.partitions} partitions leave some of ${config.shards} shards (${label('shards')}) ` +
        'without any. Raise the one or lower the other.',
    );
  }
  return problems;
}
