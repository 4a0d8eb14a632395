import type { Random } from '../../../../src/base/ports.ts';
import { Raft } from '../../../../src/cluster/consensus/raft.ts';
import { defaultRaftOptions, type RaftOptions } from '../../../../src/cluster/consensus/raft-options.ts';
import type {
  LogEntry,
  Membership,
  MembershipChange,
  RaftAction,
  RaftEvent,
  RaftMessage,
  RaftState,
} from '../../../../src/cluster/consensus/raft-types.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';
import { RaftOracle, textOf } from './raft-oracle.ts';

const encoder = new TextEncoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** xorshift32: the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return {
    nextUint32: () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state;
    },
  };
}

export interface NetworkOptions {
  readonly voters: readonly NodeId[];
  readonly seed?: number;
  /** One way: shortest and longest. */
  readonly delayMs?: readonly [number, number];
  readonly diskMs?: readonly [number, number];
  readonly loss?: number;
  readonly duplication?: number;
  readonly raft?: Partial<RaftOptions>;
}

type Persist = Extract<RaftAction, { type: 'persist' }>;
type Answer = Extract<RaftAction, { type: 'proposed' | 'refused' | 'read-ready' }>;

const NOTHING: RaftState = { hard: { term: 0, vote: null }, snapshot: null, entries: [] };

/** What a disk holds after another save. */
function saved(state: RaftState, { hard, snapshot, entries }: Persist): RaftState {
  let log = state.entries;
  let base = state.snapshot;
  if (snapshot !== null) {
    const isSame = log.some(({ index, term }) => index === snapshot.index && term === snapshot.term);
    log = isSame ? log.filter(({ index }) => index > snapshot.index) : [];
    base = snapshot;
  }
  const first = entries[0];
  if (first !== undefined) log = [...log.filter(({ index }) => index < first.index), ...entries];
  return { hard: hard ?? state.hard, snapshot: base, entries: log };
}

/** A node of the group: the core, its disk, and a state machine that keeps the commands it was given. */
export class NetworkNode {
  readonly id: NodeId;
  /** Null: crashed. */
  raft: Raft | null = null;
  /** Durable. */
  disk: RaftState;
  /** As the core has it: with what is not durable yet. */
  log: RaftState;
  unsaved: Persist[] = [];
  /** Nothing becomes durable. */
  isDiskStuck = false;
  isPaused = false;
  /** Counts starts: what was meant for an earlier one is lost. */
  start = 0;
  commands: string[] = [];
  appliedIndex = 0;
  readonly applied: LogEntry[] = [];
  readonly answers: Answer[] = [];
  readonly readsAt = new Map<number, number>();

  constructor(id: NodeId, disk: RaftState) {
    this.id = id;
    this.disk = disk;
    this.log = disk;
  }

  /** The core, of a node that runs. */
  get core(): Raft {
    if (this.raft === null) throw new Error(`${this.id} is down`);
    return this.raft;
  }

  answerTo(request: number): Answer | undefined {
    return this.answers.findLast((answer) => answer.request === request);
  }
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly node: NetworkNode;
  readonly start: number;
  readonly run: () => void;
}

/** A Raft group in one thread and virtual time; every step is shown to a {@link RaftOracle}. */
export class RaftNetwork {
  readonly oracle = new RaftOracle();
  readonly nodes = new Map<NodeId, NetworkNode>();
  nowMs = 0;
  loss: number;
  duplication: number;
  delayMs: readonly [number, number];
  diskMs: readonly [number, number];
  /** Messages that it says no to are lost. */
  passes: (from: NodeId, to: NodeId, message: RaftMessage) => boolean = () => true;
  #cuts = new Set<string>();
  #due: Due[] = [];
  #order = 0;
  #requests = 0;
  readonly #random: Random;
  readonly #raftOptions: Partial<RaftOptions>;

  constructor(options: NetworkOptions) {
    this.#random = seededRandom(options.seed ?? 1);
    this.loss = options.loss ?? 0;
    this.duplication = options.duplication ?? 0;
    this.delayMs = options.delayMs ?? [1, 5];
    this.diskMs = options.diskMs ?? [1, 3];
    this.#raftOptions = options.raft ?? {};
    const membership: Membership = { voters: options.voters, learners: [] };
    const snapshot = { index: 0, term: 0, membership, data: bytesOf('[]') };
    for (const id of options.voters) this.add(id, { ...NOTHING, snapshot });
  }

  /** A node that is not in the group yet, unless its disk says so. */
  add(id: NodeId, disk: RaftState = NOTHING): NetworkNode {
    const node = new NetworkNode(id, disk);
    this.nodes.set(id, node);
    this.restart(id);
    return node;
  }

  node(id: NodeId): NetworkNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  core(id: NodeId): Raft {
    return this.node(id).core;
  }

  /** 0 to below 1. */
  draw(): number {
    return this.#random.nextUint32() / 2 ** 32;
  }

  /** Who leads in the newest term. */
  get leader(): NodeId | null {
    let best: Raft | null = null;
    let leader: NodeId | null = null;
    for (const { id, raft } of this.nodes.values()) {
      if (raft?.role !== 'leader' || (best !== null && best.term >= raft.term)) continue;
      best = raft;
      leader = id;
    }
    return leader;
  }

  /** Runs until somebody leads whom all running voters follow. */
  elect(limitMs = 20_000): NodeId {
    this.until(() => {
      const leader = this.leader;
      if (leader === null) return false;
      const { term, membership } = this.core(leader);
      const voters = membership.voters.map((id) => this.node(id).raft);
      return voters.every((raft) => raft === null || (raft.leader === leader && raft.term === term));
    }, limitMs);
    return this.leader ?? '';
  }

  propose(id: NodeId, text: string): number {
    const request = ++this.#requests;
    this.step(id, { type: 'propose', request, payload: bytesOf(text) });
    return request;
  }

  read(id: NodeId): number {
    const request = ++this.#requests;
    this.node(id).readsAt.set(request, this.oracle.committedIndex);
    this.step(id, { type: 'read', request });
    return request;
  }

  change(id: NodeId, type: MembershipChange['type'], node: NodeId): number {
    const request = ++this.#requests;
    this.step(id, { type: 'change-membership', request, change: { type, node } });
    return request;
  }

  transfer(id: NodeId, to: NodeId): number {
    const request = ++this.#requests;
    this.step(id, { type: 'transfer', request, to });
    return request;
  }

  compact(id: NodeId): void {
    const { appliedIndex, commands } = this.node(id);
    this.step(id, { type: 'compact', index: appliedIndex, data: bytesOf(JSON.stringify(commands)) });
  }

  /** No message goes from one to the other. */
  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from} ${to}`);
  }

  isolate(id: NodeId): void {
    for (const other of this.nodes.keys()) {
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Of what is not durable, the first `kept` saves happen to be. */
  crash(id: NodeId, kept = 0): void {
    const node = this.node(id);
    node.raft = null;
    node.isPaused = false;
    node.start++;
    for (const save of node.unsaved.slice(0, kept)) node.disk = saved(node.disk, save);
    node.unsaved = [];
  }

  restart(id: NodeId): void {
    const node = this.node(id);
    node.log = node.disk;
    const { snapshot } = node.disk;
    node.commands = snapshot === null ? [] : JSON.parse(textOf(snapshot.data));
    node.appliedIndex = snapshot?.index ?? 0;
    const random = seededRandom(this.#random.nextUint32());
    node.raft = new Raft({ ...defaultRaftOptions, ...this.#raftOptions, id, random }, node.disk, this.nowMs);
  }

  resume(id: NodeId): void {
    this.node(id).isPaused = false;
  }

  until(isDone: () => boolean, limitMs = 20_000): void {
    const endMs = this.nowMs + limitMs;
    while (!isDone()) {
      if (!this.#advance(endMs)) throw new Error(`not done after ${limitMs} ms`);
    }
  }

  run(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.#advance(endMs));
    this.nowMs = endMs;
  }

  step(id: NodeId, event: RaftEvent): void {
    const node = this.node(id);
    if (node.raft === null) return;
    for (const action of node.raft.step(event, this.nowMs)) this.#perform(node, action);
  }

  /** Lets the next thing happen; false if there is none before `endMs`. */
  #advance(endMs: number): boolean {
    let next: Due | undefined;
    for (const due of this.#due) {
      if (due.node.isPaused && due.node.start === due.start) continue;
      if (next === undefined || due.atMs < next.atMs || (due.atMs === next.atMs && due.order < next.order)) next = due;
    }
    let awake: NetworkNode | undefined;
    let atMs = next?.atMs ?? Number.POSITIVE_INFINITY;
    for (const node of this.nodes.values()) {
      if (node.raft === null || node.isPaused || node.raft.wakeAtMs >= atMs) continue;
      awake = node;
      atMs = node.raft.wakeAtMs;
    }
    if (atMs > endMs) return false;
    this.nowMs = Math.max(this.nowMs, atMs);
    if (awake !== undefined) this.step(awake.id, { type: 'tick' });
    else if (next !== undefined) {
      this.#due.splice(this.#due.indexOf(next), 1);
      if (next.node.start === next.start) next.run();
    }
    return true;
  }

  #later([shortest, longest]: readonly [number, number], node: NetworkNode, run: () => void): void {
    const atMs = this.nowMs + shortest + (longest - shortest) * this.draw();
    this.#due.push({ atMs, order: this.#order++, node, start: node.start, run });
  }

  #perform(node: NetworkNode, action: RaftAction): void {
    const { oracle } = this;
    switch (action.type) {
      case 'persist':
        this.#persist(node, action);
        break;
      case 'send':
        oracle.onSend(node.id, action.to, action.message, node.disk);
        this.#send(node.id, action.to, action.message);
        break;
      case 'apply':
        for (const entry of action.entries) {
          if (entry.index !== node.appliedIndex + 1) throw new Error(`${node.id} applies ${entry.index} out of order`);
          oracle.onApply(node.id, node.core.term, entry);
          node.appliedIndex = entry.index;
          node.applied.push(entry);
          if (entry.kind === 'command') node.commands.push(textOf(entry.payload));
        }
        break;
      case 'restore':
        node.commands = JSON.parse(textOf(action.snapshot.data));
        node.appliedIndex = action.snapshot.index;
        break;
      case 'read-ready': {
        const committedThen = node.readsAt.get(action.request) ?? 0;
        oracle.onRead(node.id, action.index, committedThen);
        node.answers.push(action);
        break;
      }
      case 'proposed':
      case 'refused':
        node.answers.push(action);
        break;
      case 'role':
        if (action.role === 'leader') oracle.onLeader(node.id, action.term, node.log);
        break;
    }
  }

  #persist(node: NetworkNode, save: Persist): void {
    node.log = saved(node.log, save);
    const first = save.entries[0];
    if (first !== undefined) {
      const before = node.log.entries.find(({ index }) => index === first.index - 1);
      this.oracle.onLog(node.id, save.entries, before?.term ?? node.log.snapshot?.term ?? 0);
    }
    if (save.snapshot !== null) {
      this.oracle.onSnapshot(node.id, save.snapshot, JSON.parse(textOf(save.snapshot.data)));
    }
    node.unsaved.push(save);
    if (!node.isDiskStuck) this.#later(this.diskMs, node, () => this.#saveUpTo(node, save.number));
  }

  /** What waited for a stuck disk becomes durable. */
  unstick(id: NodeId): void {
    const node = this.node(id);
    node.isDiskStuck = false;
    const last = node.unsaved.at(-1);
    if (last !== undefined) this.#saveUpTo(node, last.number);
  }

  #saveUpTo(node: NetworkNode, number: number): void {
    if (node.isDiskStuck) return;
    const done = node.unsaved.filter((save) => save.number <= number);
    if (done.length === 0) return;
    for (const save of done) node.disk = saved(node.disk, save);
    node.unsaved = node.unsaved.filter((save) => save.number > number);
    this.step(node.id, { type: 'persisted', number });
  }

  #send(from: NodeId, to: NodeId, message: RaftMessage): void {
    const target = this.nodes.get(to);
    if (target === undefined || this.#cuts.has(`${from} ${to}`) || !this.passes(from, to, message)) return;
    if (this.draw() < this.loss) return;
    const deliver = () => this.step(to, { type: 'message', from, message });
    this.#later(this.delayMs, target, deliver);
    if (this.draw() < this.duplication) this.#later([this.delayMs[0], this.delayMs[1] * 4], target, deliver);
  }
}
