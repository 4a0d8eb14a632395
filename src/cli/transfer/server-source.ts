import { bytesOf, numberOf } from '../run.ts';
import { infoFields } from '../stat.ts';
import { addressText, type Target } from '../target.ts';
import { BrokenSourceError, type Item } from './entry.ts';
import type { Clock } from './entry-writer.ts';
import { type Chosen, fluxItems } from './flux-source.ts';
import { readAhead } from './read-ahead.ts';
import { redisItems } from './redis-source.ts';
import { ServerLink } from './server-link.ts';

export interface ServerSourceOptions extends Chosen {
  readonly asJson: boolean;
  readonly patienceMs: number;
  readonly onWait: (what: string) => void;
}

/** All keys of a running server, or of the cluster that it is one of. */
export interface ServerSource {
  /** Keys there are, about; 0 when only some of them are asked for. */
  readonly total: number;
  readonly clock: Clock;
  items(): AsyncGenerator<readonly Item[]>;
  close(): void;
}

/** Connects to where entries are to be read from, and finds out what it is. */
export async function openServerSource(target: Target, options: ServerSourceOptions): Promise<ServerSource> {
  const links: ServerLink[] = [];
  const close = (): void => {
    for (const link of links) link.close();
  };
  // A cursor means something to the process that made it only, so that a lost connection is the end.
  const open = async (to: Target): Promise<ServerLink> => {
    const link = new ServerLink(to, { ...options, reopens: false });
    await link.open();
    links.push(link);
    return link;
  };
  try {
    const first = await open(target);
    const isFlux = await knowsEntries(first, target);
    if (!isFlux && (await isOfCluster(first))) {
      links.pop();
      try {
        for (const each of await primariesOf(first, target)) await open(each);
      } finally {
        first.close();
      }
    }
    return {
      total: options.pattern === undefined && options.type === 'all' ? await countKeys(links) : 0,
      clock: isFlux ? 'absolute' : 'as-read',
      async *items() {
        for (const link of links) yield* readAhead(isFlux ? fluxItems(link, options) : redisItems(link, options));
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Whether it is FluxCache: INFO, which would tell, is not for every user. */
async function knowsEntries(link: ServerLink, target: Target): Promise<boolean> {
  const reply = await link.request(['GETENTRY', '', 'UPTO', 0]);
  if (reply.kind === 'error' && reply.text.startsWith('NOAUTH')) {
    const hint = target.isSource === true ? ' (FLUXCACHE_FROM_PASSWORD, or in the URL)' : '';
    throw new BrokenSourceError(`The server at ${addressText(target)} asks for a password${hint}.`);
  }
  return reply.kind !== 'error' || !/unknown command/i.test(reply.text);
}

async function isOfCluster(link: ServerLink): Promise<boolean> {
  const text = Buffer.from(bytesOf(await link.request(['INFO', 'cluster'])) ?? []).toString('utf8');
  return infoFields(text).get('cluster_enabled') === '1';
}

async function countKeys(links: readonly ServerLink[]): Promise<number> {
  let total = 0;
  for (const link of links) total += numberOf(await link.request(['DBSIZE'])) ?? 0;
  return total;
}

/** The nodes of a Redis cluster that own slots. */
async function primariesOf(link: ServerLink, target: Target): Promise<Target[]> {
  const reply = await link.request(['CLUSTER', 'SLOTS']);
  const found = new Map<string, Target>();
  for (const range of reply.kind === 'array' ? reply.items : []) {
    const owner = range.kind === 'array' ? range.items[2] : undefined;
    const [hostReply, portReply] = owner?.kind === 'array' ? owner.items : [];
    // A node that does not know its own name is where it was asked.
    const host = Buffer.from(bytesOf(hostReply) ?? []).toString('latin1') || target.host;
    const port = numberOf(portReply);
    if (port !== undefined) found.set(`${host} ${port}`, { ...target, host, port });
  }
  if (found.size === 0) throw new BrokenSourceError('The server is one of a Redis cluster, and tells no node of it.');
  return [...found.values()];
}
