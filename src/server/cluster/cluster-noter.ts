import { monotonicMs } from '../../base/monotonic.ts';
import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { ClusterState, NodeEntry } from '../../cluster/controller/cluster-state.ts';
import { memberOf, type NodeId } from '../../cluster/identity.ts';
import type { ClusterNote, ClusterNoteBody, LostMark, Suspicion } from './cluster-note.ts';
import { NoteRing } from './note-ring.ts';
import { type PrimaryChange, primaryChanges } from './primary-changes.ts';
import { suspicionSince, suspicions } from './suspicions.ts';
import { Takeovers } from './takeovers.ts';

/** So many notes are kept. */
export const NOTES_MAX = 256;
/** Of a lost node's partitions, so many are named. */
const MARKS_MAX = 8;
/** Partitions are handed over one by one: told of together once none followed for so long, or after that long. */
const TOGETHER_MS = 1000;
const TOGETHER_MS_MAX = 10_000;
/** Losses whose offline partitions are followed. */
const OFFLINE_MAX = 16;

type NotedView = Pick<
  ClusterView,
  'self' | 'boot' | 'state' | 'stateAtMs' | 'status' | 'gates' | 'onChange' | 'onStatus'
>;

/** Partitions that went offline with a node. */
interface OfflineSince {
  readonly lost: number;
  readonly resetEpochs: ReadonlyMap<number, number>;
}

interface HandOvers {
  partitions: number;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/**
 * Notes what happens to the cluster as this node sees it, from when the cluster has taken this start of it in. What it
 * hears of later than others do, it notes later.
 */
export class ClusterNoter {
  /** Told after something was noted. */
  onNote: (() => void) | null = null;
  readonly #view: NotedView;
  readonly #ring = new NoteRing(NOTES_MAX);
  readonly #takeovers = new Takeovers();
  readonly #forget: readonly (() => void)[];
  #seen: ClusterState;
  #leader: NodeId | null = null;
  /** The last loss that this node took something over from: when it was suspected, and how long that lasted. */
  #taking: { readonly lost: number; readonly sinceMs: number } | null = null;
  #lastTakeoverMs: number | null = null;
  #offline: OfflineSince[] = [];
  readonly #handOvers = new Map<NodeId, HandOvers>();

  constructor(view: NotedView) {
    this.#view = view;
    this.#seen = view.state;
    this.#forget = [view.onChange(() => this.#changed()), view.onStatus(() => this.#told())];
  }

  stop(): void {
    for (const forget of this.#forget) forget();
  }

  /** The number of the latest note. */
  get last(): number {
    return this.#ring.last;
  }

  /** Notes behind that number, the earliest first. */
  after(seq: number, max = NOTES_MAX): ClusterNote[] {
    return this.#ring.after(seq, max);
  }

  /** Nodes that may be lost. */
  suspicions(): Suspicion[] {
    const { state, status, self } = this.#view;
    return suspicions(state, status, self);
  }

  /** Whether the cluster counts on this start of a node, as far as this one knows. */
  countsOn(node: NodeId, boot: number): boolean {
    const entry = this.#view.state.nodes.get(node);
    return entry?.boot === boot && !entry.isFenced;
  }

  /**
   * How long it took, the last time that this node took partitions over from one that was lost, from when it did not reach
   * that one until it served them all; null: it never did.
   */
  get lastTakeoverMs(): number | null {
    return this.#lastTakeoverMs;
  }

  /** A shard of this node has died; it was primary of so many partitions. */
  shardDied(shard: number, partitions: number): void {
    this.#note({ kind: 'shard-restarted', shard, partitions }, Date.now());
  }

  #changed(): void {
    const { state, stateAtMs } = this.#view;
    const before = this.#seen;
    this.#seen = state;
    // What a node that starts learns of the past is no news.
    if (!this.#isMember(before) || !this.#isMember(state)) return;
    const changes = primaryChanges(before, state);
    this.#noteNodes(before, state, changes, stateAtMs);
    this.#notePartitions(state, changes, stateAtMs);
    this.#noteRegained(state, stateAtMs);
    this.#noteSettings(before, state, stateAtMs);
  }

  #isMember({ settings, nodes }: ClusterState): boolean {
    const { self, boot } = this.#view;
    return settings !== null && nodes.get(self)?.boot === boot;
  }

  #told(): void {
    const { status, state, gates } = this.#view;
    if (!this.#isMember(state)) return;
    const { leader, term, atMs } = status;
    if (leader !== null && leader !== this.#leader) {
      // Who led already when this node came is no news.
      if (this.#leader !== null) this.#note({ kind: 'leader', node: leader, term }, atMs);
      this.#leader = leader;
    }
    const nowMs = monotonicMs();
    const nowWallMs = Date.now();
    this.#takeovers.look(state, gates, nowMs, {
      toWallMs: (ms) => Math.round(nowWallMs - (nowMs - ms)),
      note: (body, ms) => {
        this.#note(body, ms);
        if (body.kind === 'served' && body.lost === this.#taking?.lost && body.partitions > 0) {
          this.#lastTakeoverMs = Math.max(0, ms - this.#taking.sinceMs);
        }
      },
    });
    this.#tellHandOvers(nowWallMs);
  }

  #noteNodes(before: ClusterState, after: ClusterState, changes: readonly PrimaryChange[], atMs: number): void {
    if (before.nodes === after.nodes) return;
    for (const [node, former] of before.nodes) {
      const entry = after.nodes.get(node);
      if (entry === former) continue;
      if (entry === undefined) this.#note({ kind: 'left', node, boot: former.boot }, atMs);
      else this.#noteNode(former, entry, changes, atMs);
    }
    for (const [node, { boot }] of after.nodes) {
      if (!before.nodes.has(node)) this.#note({ kind: 'joined', node, boot }, atMs);
    }
  }

  #noteNode(former: NodeEntry, entry: NodeEntry, changes: readonly PrimaryChange[], atMs: number): void {
    const { id: node, boot } = entry;
    const isRestarted = boot > former.boot;
    if (!former.isFenced && (entry.isFenced || isRestarted)) {
      const lost = changes.filter((change) => change.former.primary === node && !isHandOver(change, entry));
      // One that has ended in order, and had no only copy any more, is missed by nobody.
      if (entry.life !== 'stopped' || lost.length > 0) this.#noteLoss(former, lost, atMs);
    }
    if (isRestarted) this.#note({ kind: 'restarted', node, boot }, atMs);
    else if (former.isFenced && !entry.isFenced) this.#note({ kind: 'back', node, boot }, atMs);
    const { isDraining, isLeaving } = entry;
    if (isDraining !== former.isDraining || isLeaving !== former.isLeaving) {
      this.#note({ kind: 'drained', node, boot, isDraining, isLeaving }, atMs);
    }
  }

  #noteLoss({ id: node, boot }: NodeEntry, changes: readonly PrimaryChange[], atMs: number): void {
    const { self, status } = this.#view;
    const takenBy = new Map<NodeId, number>();
    let unproven = 0;
    for (const { kind, former, entry } of changes) {
      if (entry.primary === null) continue;
      takenBy.set(entry.primary, (takenBy.get(entry.primary) ?? 0) + 1);
      if (kind !== 'reset' && memberOf(former.inSync, entry.primary) === undefined) unproven++;
    }
    const offline = changes.filter(({ kind }) => kind === 'offline');
    const since = suspicionSince(status, node, boot);
    const suspectedAtMs = since === null ? null : Math.min(since, atMs);
    const lost = this.#note(
      {
        kind: 'lost',
        node,
        boot,
        marks: changes.slice(0, MARKS_MAX).map(({ partition, former }): LostMark => [partition, former.epoch]),
        suspectedAtMs,
        partitions: changes.length - offline.length,
        offline: offline.length,
        reset: changes.filter(({ kind }) => kind === 'reset').length,
        unproven,
        takenBy: [...takenBy],
      },
      atMs,
    );
    if (offline.length > 0) {
      const resetEpochs = new Map(offline.map(({ partition, entry }) => [partition, entry.resetEpoch]));
      this.#offline = [...this.#offline, { lost, resetEpochs }].slice(-OFFLINE_MAX);
    }
    const own = changes.flatMap(({ partition, entry: { primary, epoch } }) =>
      primary === self ? [{ partition, epoch }] : [],
    );
    if (own.length === 0) return;
    this.#taking = { lost, sinceMs: suspectedAtMs ?? atMs };
    this.#takeovers.begin(lost, atMs, own);
  }

  #notePartitions({ nodes }: ClusterState, changes: readonly PrimaryChange[], atMs: number): void {
    const counts = { offline: new Map<NodeId | null, number>(), reset: new Map<NodeId | null, number>() };
    let online = 0;
    for (const change of changes) {
      const { kind, former, entry } = change;
      if (kind === 'online') online++;
      else if (kind === 'offline' || kind === 'reset') {
        counts[kind].set(former.primary, (counts[kind].get(former.primary) ?? 0) + 1);
      } else if (former.primary !== null && entry.primary === this.#view.self) {
        if (!isHandOver(change, nodes.get(former.primary))) continue;
        const known = this.#handOvers.get(former.primary);
        this.#handOvers.set(former.primary, {
          partitions: (known?.partitions ?? 0) + 1,
          firstAtMs: known?.firstAtMs ?? atMs,
          lastAtMs: atMs,
        });
      }
    }
    for (const kind of ['offline', 'reset'] as const) {
      for (const [node, partitions] of counts[kind]) this.#note({ kind, node, partitions }, atMs);
    }
    if (online > 0) this.#note({ kind: 'online', partitions: online }, atMs);
  }

  #noteRegained({ partitions }: ClusterState, atMs: number): void {
    if (this.#offline.length === 0) return;
    const open: OfflineSince[] = [];
    for (const offline of this.#offline) {
      let empty = 0;
      let isBack = true;
      for (const [partition, resetEpoch] of offline.resetEpochs) {
        const entry = partitions[partition];
        if (entry === undefined || entry.primary === null) isBack = false;
        else if (entry.resetEpoch > resetEpoch) empty++;
      }
      if (!isBack) open.push(offline);
      else {
        const { lost, resetEpochs } = offline;
        this.#note({ kind: 'regained', lost, partitions: resetEpochs.size, empty }, atMs);
      }
    }
    this.#offline = open;
  }

  #noteSettings(before: ClusterState, after: ClusterState, atMs: number): void {
    const { settings } = after;
    if (settings === null || settings === before.settings || before.settings === null) return;
    const { copies, minInSync, onLoss } = settings;
    const former = before.settings;
    if (former.copies === copies && former.minInSync === minInSync && former.onLoss === onLoss) return;
    this.#note({ kind: 'settings', copies, minInSync, onLoss }, atMs);
  }

  #tellHandOvers(nowMs: number): void {
    for (const [node, { partitions, firstAtMs, lastAtMs }] of this.#handOvers) {
      if (nowMs - lastAtMs < TOGETHER_MS && nowMs - firstAtMs < TOGETHER_MS_MAX) continue;
      this.#handOvers.delete(node);
      this.#note({ kind: 'handed-over', node, partitions }, lastAtMs);
    }
  }

  #note(body: ClusterNoteBody, atMs: number): number {
    const seq = this.#ring.add(body, atMs);
    this.onNote?.();
    return seq;
  }
}

/**
 * Whether the former primary gave the partition away. One that has ended in order did, too, with what was left: it told
 * everybody, and nobody waited for its lease. That it left the set then may be seen together with that it handed over.
 */
function isHandOver({ kind }: PrimaryChange, former: NodeEntry | undefined): boolean {
  return kind === 'handed-over' || (kind === 'taken' && former?.life === 'stopped');
}
