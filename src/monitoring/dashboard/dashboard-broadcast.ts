import { nameKey } from '../../base/key-name.ts';
import type { SlowLogEntry } from '../../command/control.ts';
import type { AccessUser } from '../../server/access/rights.ts';
import type { DashboardFrame, DashboardPort, DashboardViewer } from '../../server/http/dashboard-port.ts';
import type { AccessNews, AccessSource } from '../access/access-news.ts';
import type { ClusterSource } from '../cluster-timeline/cluster-news.ts';
import type { NodeFacts } from '../facts.ts';
import { healthOf } from '../health.ts';
import type { KeyspaceNews, KeyspaceSource } from '../keyspace/keyspace-news.ts';
import type { FeedEvents, NodeSample, SlowCommand } from './feed.ts';
import { frameOf, historyFrameOf } from './frames.ts';
import type { NodeSampler } from './node-sampler.ts';
import { accessShownTo, keyspaceShownTo, mayRead, rightsOf } from './shown-to.ts';

/** Samples between two looks at what keys are looked up. */
const ACCESS_EVERY = 2;
/** Slow commands that are told, of those that are kept. */
const SLOW_MAX = 100;
/** For each so many bytes the news of the cluster come a second apart, so that many partitions do not make it costly. */
const CLUSTER_BYTES_A_SECOND = 128 * 1024;

/** What of the {@link Sources} is shown. */
export interface ShownSources {
  readonly access: Pick<AccessSource, 'news'> | null;
  readonly keyspace: Pick<KeyspaceSource, 'news' | 'watch'> | null;
  readonly cluster: Pick<ClusterSource, 'cluster' | 'failovers' | 'happenings' | 'watch'> | null;
}

export interface DashboardBroadcastParts {
  readonly facts: NodeFacts;
  readonly sources: () => ShownSources;
  readonly sampler: NodeSampler;
  readonly slowLog: { latest(count: number): Iterable<SlowLogEntry> };
  readonly engine: () => string;
  /** The page, and the files it consists of. */
  readonly page: Pick<DashboardPort, 'page' | 'files'>;
  /** Told what a tick threw, which is a defect of ours. */
  readonly onDefect: (error: unknown) => void;
}

/**
 * Tells those who have a dashboard open how the node is: everything at once when they come, then what is new with every
 * sample. A frame is made once for all who may see the same of it. While nobody looks, nothing is made.
 */
export class DashboardBroadcast implements DashboardPort {
  readonly page: DashboardPort['page'];
  readonly files: DashboardPort['files'];
  readonly #parts: DashboardBroadcastParts;
  readonly #viewers = new Set<DashboardViewer>();
  /** The frames of which all may see the same, and what they were made of, so that what has not changed is not told again. */
  readonly #shared = new Map<string, { readonly of: unknown; readonly frame: DashboardFrame }>();
  /** Of the samples up to the last, for those who come before the next. */
  #history: DashboardFrame | null = null;
  #unwatch: (() => void)[] = [];
  #ticks = 0;
  /** Samples until the cluster is told of again. */
  #clusterIn = 0;
  #keyspace: KeyspaceNews | null = null;

  constructor(parts: DashboardBroadcastParts) {
    this.#parts = parts;
    this.page = parts.page.page;
    this.files = parts.page.files;
    parts.sampler.onSample((sample) => this.#tick(sample));
  }

  open(viewer: DashboardViewer): () => void {
    const { sampler, sources } = this.#parts;
    const { access, keyspace, cluster } = sources();
    if (this.#viewers.size === 0) {
      this.#unwatch = [cluster?.watch(), keyspace?.watch()].filter((unwatch) => unwatch !== undefined);
      this.#clusterIn = 0;
      this.#keyspace = keyspace?.news() ?? null;
      this.#refresh();
    }
    this.#viewers.add(viewer);
    viewer.tell(frameOf('hello', this.#hello(viewer.user)));
    this.#history ??= historyFrameOf(sampler.samples);
    viewer.tell(this.#history);
    for (const { frame } of this.#shared.values()) if (maySee(viewer.user, frame.name)) viewer.tell(frame);
    if (mayRead(viewer.user)) {
      if (access !== null) viewer.tell(frameOf('access', accessShownTo(viewer.user, access.news())));
      viewer.tell(keyspaceFrame(viewer.user, this.#keyspace));
    }
    return () => this.#close(viewer);
  }

  #close(viewer: DashboardViewer): void {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch = [];
    this.#shared.clear();
    this.#keyspace = null;
  }

  #tick(sample: NodeSample): void {
    this.#history = null;
    if (this.#viewers.size === 0) return;
    try {
      this.#ticks++;
      this.#tellAll(frameOf('sample', sample));
      for (const frame of this.#refresh()) this.#tellAll(frame);
      const { access, keyspace } = this.#parts.sources();
      if (access !== null && this.#ticks % ACCESS_EVERY === 0) this.#tellAccess(access.news());
      const news = keyspace?.news() ?? null;
      if (news !== this.#keyspace) this.#tellKeyspace(news);
    } catch (error) {
      this.#parts.onDefect(error);
    }
  }

  /** Brings the frames that are the same for all up to date; answers those that are others now. */
  #refresh(): readonly DashboardFrame[] {
    const { facts, slowLog, sources } = this.#parts;
    const { cluster } = sources();
    const changed: DashboardFrame[] = [];
    const refresh = <Name extends keyof FeedEvents>(name: Name, of: unknown, value: () => FeedEvents[Name]): void => {
      if (this.#shared.get(name)?.of === of) return;
      const frame = frameOf(name, value());
      this.#shared.set(name, { of, frame });
      changed.push(frame);
    };
    const health = healthOf(facts);
    refresh('health', JSON.stringify(health), () => health);
    if (cluster !== null) {
      if (this.#clusterIn <= 0) {
        refresh('cluster', this.#ticks, () => cluster.cluster());
        const bytes = this.#shared.get('cluster')?.frame.bytes.length ?? 0;
        this.#clusterIn = Math.ceil(bytes / CLUSTER_BYTES_A_SECOND);
      }
      this.#clusterIn--;
      const failovers = cluster.failovers();
      refresh('failovers', failovers, () => failovers);
      const happenings = cluster.happenings();
      refresh('happenings', happenings, () => happenings);
    }
    const slow = [...slowLog.latest(SLOW_MAX)];
    refresh('slow', `${slow[0]?.id} ${slow.length}`, () => slow.map(slowCommandOf));
    return changed;
  }

  #tellAll(frame: DashboardFrame): void {
    for (const viewer of this.#viewers) if (maySee(viewer.user, frame.name)) viewer.tell(frame);
  }

  #tellAccess(news: AccessNews): void {
    this.#tellReaders((user) => frameOf('access', accessShownTo(user, news)));
  }

  #tellKeyspace(news: KeyspaceNews | null): void {
    this.#keyspace = news;
    this.#tellReaders((user) => keyspaceFrame(user, news));
  }

  /** Tells those who may read what is made once for each user, of whom there are few. */
  #tellReaders(frameFor: (user: AccessUser) => DashboardFrame): void {
    const frames = new Map<AccessUser, DashboardFrame>();
    for (const viewer of this.#viewers) {
      const { user } = viewer;
      if (!mayRead(user)) continue;
      const frame = frames.get(user) ?? frameFor(user);
      frames.set(user, frame);
      viewer.tell(frame);
    }
  }

  #hello(user: AccessUser): FeedEvents['hello'] {
    const { facts, engine } = this.#parts;
    return {
      node: facts.nodeName,
      version: facts.version,
      engine: engine(),
      nodeVersion: process.version,
      startedAtMs: facts.startedAtMs,
      isInCluster: facts.cluster() !== null,
      user: rightsOf(user),
      eviction: facts.eviction,
      shards: facts.shards().length,
      budgetBytes: facts.memoryBytesMax,
      keepsKeys: facts.persistence() !== null,
    };
  }
}

/** Whether a user may see what is the same for all who may. */
function maySee(user: AccessUser, name: string): boolean {
  return name !== 'slow' || user.has('admin');
}

function keyspaceFrame(user: AccessUser, news: KeyspaceNews | null): DashboardFrame {
  return frameOf('keyspace', news === null ? null : keyspaceShownTo(user, news));
}

function slowCommandOf({ id, atMs, durationUs, words, address, clientName }: SlowLogEntry): SlowCommand {
  return {
    id,
    atMs,
    durationMs: durationUs / 1000,
    words: words.map((word) => nameKey(word).key),
    client: clientName === '' ? address : `${address} ${clientName}`,
  };
}
