import { createSecretKey } from 'node:crypto';
import { resolve } from 'node:path';
import { formatAddress } from './base/addresses.ts';
import { monotonicMs } from './base/monotonic.ts';
import { type Logger, systemClock } from './base/ports.ts';
import { ClusterClient, type ClusterClientOptions } from './cluster/actor/cluster-client.ts';
import type { KeptOnDisk } from './cluster/actor/cluster-thread-data.ts';
import { lastCopiesOn } from './cluster/actor/departure.ts';
import { createShardLink, type ShardLinkHandle } from './cluster/actor/shard-link.ts';
import { RefusalLog } from './cluster/bus/refusal-log.ts';
import { PartitionGates } from './cluster/partition-gates.ts';
import { defaultReplicationOptions } from './cluster/replication/replication-options.ts';
import type { PublisherPort } from './command/publisher.ts';
import { commandTable } from './command/table.ts';
import { type Config, options } from './config/options.ts';
import { createDoorbell } from './mailbox/doorbell.ts';
import { ClusterTimeline } from './monitoring/cluster-timeline/cluster-timeline.ts';
import { PartitionMap } from './routing/partition-map.ts';
import { ClusterControl } from './server/cluster/cluster-control.ts';
import { ClusterDispatcher } from './server/cluster/cluster-dispatcher.ts';
import { ClusterNoter } from './server/cluster/cluster-noter.ts';
import { ClusterPublisher } from './server/cluster/cluster-publisher.ts';
import { clusterReport } from './server/cluster/cluster-report.ts';
import { ClusterWatch } from './server/cluster/cluster-watch.ts';
import { peerLimits } from './server/cluster/peer-limits.ts';
import { linkTls, PeerLinks } from './server/cluster/peer-links.ts';
import { openPeerSessions } from './server/cluster/peer-session.ts';
import { TouchedPartitions } from './server/cluster/touched-partitions.ts';
import type { ShardsInCluster } from './server/dispatch/shards.ts';
import type { OpenSession } from './server/session/session.ts';
import type { TlsIdentity } from './server/tls/tls-identity.ts';
import { ServedSlots, type SlotListener } from './server/tracking/served-slots.ts';
import { portFault } from './start-fronts.ts';

/** What a command's effect, or a command on a link between nodes, may have around it beyond the command itself. */
const FRAME_MARGIN_BYTES = 128 * 1024;
/** What a record has around it in a message of the bus. */
const RECORD_MARGIN_BYTES = 64 * 1024;
const wildcards = ['0.0.0.0', '::', '*'];

export interface ClusterParts {
  readonly config: Config;
  readonly tls: TlsIdentity | null;
  readonly logger: Logger;
  /** Of the largest command or reply. */
  readonly messageBytesMax: number;
  readonly keyBytesMax: number;
  /** The node cannot go on as one of the cluster, and must end. */
  readonly onFailed: (reason: string) => void;
}

export interface ListeningPorts {
  readonly tcpPort: number;
  readonly httpPort: number;
}

/** What a node in a cluster has beside a node by itself, put together before anything of it runs. */
export class NodeInCluster {
  readonly client: ClusterClient;
  readonly links: PeerLinks;
  /** What the shards are made with: their links to the cluster actor are made with them. */
  readonly shards: ShardsInCluster;
  readonly control: ClusterControl;
  readonly watch: ClusterWatch;
  /** What happened to the cluster, and what other nodes say of themselves. */
  readonly timeline: ClusterTimeline;
  readonly #noter: ClusterNoter;
  readonly #map: PartitionMap;
  readonly #parts: ClusterParts;
  readonly #shardLinks: ShardLinkHandle[] = [];
  #dispatcher: ClusterDispatcher | null = null;
  #ports: ListeningPorts = { tcpPort: 0, httpPort: 0 };
  #servedSlots: ServedSlots | null = null;

  /** Throws when the node's directory cannot be had, naming it and its option. */
  constructor(parts: ClusterParts) {
    const { config, tls, logger, messageBytesMax } = parts;
    this.#parts = parts;
    const gates = PartitionGates.create(config.partitions);
    const bell = createDoorbell();
    const busMessageBytesMax = messageBytesMax + FRAME_MARGIN_BYTES;
    const map = new PartitionMap(config.partitions, config.shards);
    this.#map = map;
    const clientOptions: ClusterClientOptions = {
      dataDir: config.dataDir,
      nodeName: config.nodeName,
      bus: {
        host: busHost(config),
        port: config.busPort,
        secret: config.clusterSecret,
        seeds: config.seeds,
        defaultPort: options.busPort.default as number,
        announced: config.announceBus,
        messageBytesMax: busMessageBytesMax,
        tls: busTls(tls),
      },
      bootstrapExpect: config.bootstrapExpect,
      settings: {
        partitions: config.partitions,
        leaseMs: config.lease,
        copies: config.copies,
        minInSync: config.minInSync,
        onLoss: config.onLoss,
      },
      weight: 1,
      zone: config.zone === '' ? null : config.zone,
      gates,
      links: this.#shardLinks,
      bell,
      shardOfPartition: Array.from({ length: config.partitions }, (_, partition) => map.shardOfPartition(partition)),
      logger,
      onFailed: parts.onFailed,
    };
    try {
      this.client = new ClusterClient(clientOptions);
    } catch (error) {
      throw namingDirectory(error, config);
    }
    this.links = new PeerLinks({
      view: this.client,
      table: commandTable,
      secret: config.clusterSecret,
      limits: { ...peerLimits, forwardsMax: config.maxForwards, frameBytesMax: messageBytesMax + FRAME_MARGIN_BYTES },
      log: logger,
      tls: () => (tls === null ? null : linkTls(tls.options)),
    });
    this.links.onUp = () => this.#dispatcher?.look();
    tls?.onChange(() => {
      const material = busTls(tls);
      if (material !== null) this.client.setTls(material);
    });
    this.shards = {
      threadData: (_shard, shardBell, { first, count, total }) => {
        const link = createShardLink({ shardBell, actorBell: bell, messageBytesMax: busMessageBytesMax });
        this.#shardLinks.push(link);
        const recordBytesMax = busMessageBytesMax - RECORD_MARGIN_BYTES;
        return { gates, link, partitions: total, first, count, replication: defaultReplicationOptions, recordBytesMax };
      },
      openDispatcher: (dispatcherParts) => {
        this.#dispatcher = new ClusterDispatcher(dispatcherParts, {
          view: this.client,
          links: this.links,
          redirects: config.redirects,
          forwardTimeoutMs: config.forwardTimeout,
          replicaStalenessMs: config.replicaStaleness,
        });
        return this.#dispatcher;
      },
    };
    this.control = new ClusterControl(this.client, () => ({
      host: config.announceHost || (wildcards.includes(config.bind) ? '' : config.bind),
      tcpPort: config.announceTcpPort || this.#ports.tcpPort,
      busPort: this.client.busPort,
    }));
    this.#noter = new ClusterNoter(this.client);
    const routing = () => ({
      forwards: [...this.links.facts()],
      waitingCommands: this.#dispatcher?.waitingCommands ?? 0,
      waitingReplies: this.#dispatcher?.waitingReplies ?? 0,
    });
    this.watch = new ClusterWatch(this.client, this.control, routing, this.#noter);
    this.timeline = new ClusterTimeline({
      self: this.client.self,
      boot: () => this.client.boot,
      report: () => clusterReport(this.client, true),
      noter: this.#noter,
      links: () => this.links.up(),
      nowMs: () => systemClock.nowMs(),
    });
  }

  /** PUBLISH reaches the subscribers of all nodes. */
  publisher(local: PublisherPort): PublisherPort {
    return new ClusterPublisher(local, this.links);
  }

  /** Clients that keep what they read are told when another node begins to serve it, or this one does. */
  tellOfMoves(tracker: SlotListener): void {
    this.#servedSlots = new ServedSlots(this.client, this.#map, tracker, monotonicMs);
  }

  /** Serves commands that other nodes forward, which come by the TCP port. */
  peerSessions(local: PublisherPort): OpenSession {
    const { config, logger, keyBytesMax, messageBytesMax } = this.#parts;
    const touched = new TouchedPartitions(new PartitionMap(config.partitions, config.shards), commandTable.commands);
    const commands = this.#dispatcher;
    if (commands === null) throw new Error('the shards are made before their sessions');
    return openPeerSessions({
      table: commandTable,
      commands,
      partitionsOf: (command, args) => touched.collect(command, args),
      channels: local,
      answer: (question) => this.timeline.answer(question),
      self: this.client.self,
      clusterId: () => this.client.clusterId,
      secret: createSecretKey(config.clusterSecret, 'utf8'),
      limits: { ...peerLimits, forwardsMax: config.maxForwards, frameBytesMax: messageBytesMax + FRAME_MARGIN_BYTES },
      keyBytesMax,
      log: logger,
      refusals: new RefusalLog(logger),
    });
  }

  /**
   * Looks for the cluster, or founds it with others, from now on. Rejects when the bus cannot listen or the node's directory
   * is not to be had, naming the option by which another is chosen. `kept`: what this node has of copies of earlier starts; null:
   * nothing is kept on the disk.
   */
  async start(ports: ListeningPorts, kept: KeptOnDisk | null): Promise<void> {
    this.#ports = ports;
    const { config } = this.#parts;
    // Where nothing else is said: the host at which other nodes see this one.
    const host = config.announceHost || (wildcards.includes(config.bind) ? '' : config.bind);
    const endpoints = {
      tcp: formatAddress(host, config.announceTcpPort || ports.tcpPort),
      http: formatAddress(host, config.announceHttpPort || ports.httpPort),
      link: config.announceLink || `:${ports.tcpPort}`,
    };
    try {
      await this.client.start(endpoints, kept);
    } catch (error) {
      const { busPort, busBind } = config;
      const cannotListen = error instanceof Error && error.message.includes('cannot listen');
      const hostFlag = busBind === '' ? '--bind' : '--bus-bind';
      const fault = cannotListen ? await portFault(busHost(config), busPort, '--bus-port', hostFlag) : null;
      throw fault ?? namingDirectory(error, config);
    }
  }

  /** A shard of this node has died; another thread takes its place. */
  shardDied(shard: number): void {
    const { state, self } = this.client;
    const owned = state.partitions.filter(
      ({ primary }, partition) => primary === self && this.#map.shardOfPartition(partition) === shard,
    );
    this.#noter.shardDied(shard, owned.length);
  }

  /** Has others become primary of what this node is primary of, which serves meanwhile. */
  async handOver(deadlineMs: number): Promise<void> {
    const left = await this.client.handOver(deadlineMs);
    if (left === 0) return;
    const { config, logger } = this.#parts;
    const { state, self } = this.client;
    const lost = state.nodes.size > 1 ? lastCopiesOn(state, self) : 0;
    if (lost > 0) {
      const what = `the node stops with the only copies in sync of ${lost} partitions`;
      if (config.persistence) logger.warn({ partitions: lost }, `${what}: they are offline until it is back`);
      else logger.error({ partitions: lost }, `${what}: what they hold is lost`);
    } else logger.warn({ partitions: left }, 'the node stops as primary of partitions that no other took over');
  }

  /** Leaves, when every client has been answered. */
  async stop(deadlineMs: number): Promise<void> {
    await this.client.stop(deadlineMs);
  }

  /** Gives back what is left, once the shards have ended. */
  end(): void {
    this.watch.stop();
    this.#servedSlots?.stop();
    this.timeline.stop();
    this.#noter.stop();
    this.links.stop();
  }
}

function busHost({ bind, busBind }: Config): string {
  return busBind === '' ? bind : busBind;
}

/** A fault of the node's directory, with the option that says which one it is; any other as it is. */
function namingDirectory(error: unknown, { dataDir }: Config): unknown {
  if (!(error instanceof Error)) return error;
  if (![dataDir, resolve(dataDir)].some((path) => error.message.includes(path))) return error;
  return new Error(`${error.message.replace(/\.$/, '')}. --data-dir says which directory a node has.`, {
    cause: error,
  });
}

/** Nodes show each other the certificate that they show clients, when there is an authority to check it by. */
function busTls(tls: TlsIdentity | null) {
  if (tls === null) return null;
  const { ca, cert, key } = tls.options;
  if (ca === undefined || cert === undefined || key === undefined) return null;
  return { ca: String(ca), cert: String(cert), key: String(key), minVersion: tls.settings.minVersion };
}
