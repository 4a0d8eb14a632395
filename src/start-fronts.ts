import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Counters } from './base/counters.ts';
import type { Clock, Logger } from './base/ports.ts';
import type { NodePort } from './command/node-port.ts';
import type { Config } from './config/options.ts';
import type { Access } from './server/access/access.ts';
import type { ClientList } from './server/clients/client-list.ts';
import type { LiveLimits } from './server/control/live-limits.ts';
import type { SlowLog } from './server/control/slow-log.ts';
import type { CommandCounts } from './server/dispatch/command-counts.ts';
import type { Shards } from './server/dispatch/shards.ts';
import { type HttpFront, startHttpFront } from './server/http/http-front.ts';
import type { HttpNode } from './server/http/node-port.ts';
import { httpFrontOptions } from './server/http/options.ts';
import type { Channels } from './server/pubsub/channels.ts';
import { RespSession } from './server/resp/resp-session.ts';
import { openRpcSessions } from './server/rpc/rpc-session.ts';
import type { OpenSession } from './server/session/session.ts';
import { tcpFrontOptions } from './server/tcp/options.ts';
import { TcpFront } from './server/tcp/tcp-front.ts';
import type { TlsIdentity } from './server/tls/tls-identity.ts';
import type { Tracker } from './server/tracking/tracker.ts';
import { sessionNodesOf } from './start-sessions.ts';

/** What the front ends share of the node they stand in front of. */
export interface FrontNode {
  readonly config: Config;
  readonly shards: Shards;
  readonly access: Access;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly port: NodePort;
  readonly clients: ClientList;
  readonly channels: Channels;
  readonly tracker: Tracker;
  readonly limits: LiveLimits;
  readonly slowLog: SlowLog;
  /** Serves other nodes of the cluster; null: the node is of none. */
  readonly openPeer: OpenSession | null;
  /** The certificate of both ports; null: they are plain. */
  readonly tls: TlsIdentity | null;
  /** What only HTTP asks for. */
  readonly http: Pick<HttpNode, 'origin' | 'version' | 'metrics' | 'health' | 'nodes' | 'dashboard'>;
}

/** The listeners of a node. */
export interface Fronts {
  readonly http: HttpFront;
  readonly tcp: TcpFront;
  /** Hands what was counted to the node's counters: before they are read. */
  flushCounts(): void;
  /** Ends all of them gracefully; false when something had to be cut off. */
  drain(): Promise<boolean>;
}

/** Opens both ports. Throws when one cannot be; none is open then. */
export async function startFronts(node: FrontNode): Promise<Fronts> {
  const { config, shards } = node;
  const { keyBytesMax } = shards;
  const { tcp, counts } = openTcp(node, keyBytesMax, () => http?.port ?? config.httpPort);
  let http: HttpFront | null = null;
  node.tls?.onChange((options) => tcp.setCertificate(options));
  try {
    await tcp.listen();
  } catch (error) {
    tcp.close();
    throw (await portFault(config.bind, config.tcpPort, '--tcp-port')) ?? error;
  }
  try {
    http = await startHttpFront(httpFrontOptions(config, keyBytesMax), {
      ...node.http,
      cluster: node.port.control.cluster,
      snapshots: node.port.control.snapshots,
      commands: shards.dispatcher,
      changes: shards.changes,
      transactions: shards.dispatcher,
      channels: node.channels,
      slowLog: node.slowLog,
      shardCount: config.shards,
      access: node.access,
      tls: node.tls,
      probesNeedCredentials: config.probeCredentials,
      counters: node.counters,
      clock: node.clock,
      log: node.log,
    });
  } catch (error) {
    tcp.close();
    throw (await portFault(config.bind, config.httpPort, '--http-port')) ?? error;
  }
  const opened = http;
  return {
    http: opened,
    tcp,
    flushCounts: () => {
      opened.flushCounts();
      for (const count of counts) count.flush();
    },
    drain: async () => {
      const complete = await Promise.all([opened.drain(), tcp.drain()]);
      return complete.every((isComplete) => isComplete);
    },
  };
}

function openTcp(
  node: FrontNode,
  keyBytesMax: number,
  httpPort: () => number,
): { tcp: TcpFront; counts: readonly CommandCounts[] } {
  const { config, counters, clock, log } = node;
  const options = tcpFrontOptions(config, node.limits, keyBytesMax);
  const { resp, rpc } = sessionNodesOf({ ...node, version: node.http.version }, options, httpPort);
  const tcp = new TcpFront(options, {
    counters,
    clock,
    log,
    tls: node.tls?.options ?? null,
    openResp: (connection) => new RespSession(resp, connection),
    openRpc: openRpcSessions(rpc),
    ...(node.openPeer === null ? {} : { openPeer: node.openPeer }),
  });
  return { tcp, counts: [resp.counts, rpc.counts] };
}

/**
 * Why a port cannot be opened, found out by trying with Node's own server, which tells. Names the options by which another
 * port and another address are chosen.
 */
export async function portFault(host: string, port: number, flag: string, hostFlag = '--bind'): Promise<Error | null> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: `port ${port} on ${host} is in use by another program. Choose another with ${flag}`,
      EADDRNOTAVAIL: `${host} is no address of this machine. Choose another with ${hostFlag}`,
      ENOTFOUND: `the name ${host} is unknown. Choose another address with ${hostFlag}`,
      EACCES: `port ${port} may not be opened by this user. Choose one above 1023 with ${flag}`,
    };
    const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
    return reason === undefined ? null : new Error(`Cannot listen: ${reason}.`, { cause: error });
  } finally {
    server.close();
  }
}
