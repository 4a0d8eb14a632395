import { assert, unreachable } from '../base/assert.ts';
import type { CoordinatorMessage } from './cluster-message.ts';
import { Raft } from './consensus/raft.ts';
import type { LogEntry, RaftAction, RaftEvent, RaftMessage, RaftState } from './consensus/raft-types.ts';
import { applyPayload } from './controller/apply-command.ts';
import type { ClusterCommand } from './controller/cluster-command.ts';
import { type ClusterState, emptyClusterState } from './controller/cluster-state.ts';
import { encodeCommand } from './controller/command-codec.ts';
import { commandFault } from './controller/command-fault.ts';
import { Controller } from './controller/controller.ts';
import { decodeState, encodeState } from './controller/state-codec.ts';
import type { Coordinator, CoordinatorAnswer, CoordinatorHost } from './coordinator.ts';
import { coordinatorOptionsFault, type RaftCoordinatorOptions } from './coordinator-options.ts';
import { type Heartbeat, HeartbeatDesk } from './heartbeat-desk.ts';
import type { NodeId } from './identity.ts';
import { LeaderDesk } from './leader-desk.ts';
import { LeaderFinder } from './leader-finder.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LeaseMarks } from './lease-marks.ts';
import { type Asker, RequestDesk } from './request-desk.ts';

/** It was removed; another process bears its name; or it is made otherwise than the cluster. */
export type ExpulsionCause = 'removed' | 'replaced' | 'unfit';

export interface RaftCoordinatorHost extends CoordinatorHost {
  send(to: NodeId, message: CoordinatorMessage | { readonly kind: 'raft'; readonly message: RaftMessage }): void;
  /** Makes a step of the log durable; `RaftCoordinator.persisted` is due then. */
  persist(action: Extract<RaftAction, { type: 'persist' }>): void;
  /** The controller does not take this node, for now; it goes on asking. */
  registrationRefused(reason: string): void;
  /** This node cannot be part of the cluster. */
  expelled(reason: string, cause: ExpulsionCause): void;
}

/**
 * Numbers of what Raft is asked: proposals count up from 1, reads down from -1, and 0 is for what nobody waits for.
 */

/** How many requests a node has outstanding, and a leader under way. */
const REQUESTS_MAX = 4096;
/** Requests of different boots must not be taken for each other. */
const REQUESTS_PER_BOOT = 2 ** 24;

/**
 * The built-in {@link Coordinator}: the {@link ClusterState} is replicated by Raft over the nodes, and the leader is the
 * controller, who takes heartbeats and requests.
 */
export class RaftCoordinator implements Coordinator {
  #state: ClusterState = emptyClusterState;
  #appliedIndex = 0;
  #compactedIndex = 0;
  #events: RaftEvent[] = [];
  #isRunning = false;
  #isRegistered = false;
  #isExpelled = false;
  #isLeaving = false;
  /** The request to register that is under way; 0: none. */
  #registration = 0;
  #hasChanged = false;
  #isCreating = false;
  #heartbeatAtMs: number;
  #decideAtMs = Number.POSITIVE_INFINITY;
  #lastRequest: number;
  #nowMs: number;
  readonly #raft: Raft;
  readonly #controller: Controller;
  readonly #lease: LeaseKeeper;
  readonly #marks = new LeaseMarks();
  readonly #finder: LeaderFinder;
  readonly #requests: RequestDesk;
  readonly #desk: LeaderDesk;
  readonly #heartbeats: HeartbeatDesk;
  readonly #options: RaftCoordinatorOptions;
  readonly #host: RaftCoordinatorHost;

  constructor(options: RaftCoordinatorOptions, restored: RaftState, host: RaftCoordinatorHost, nowMs: number) {
    const fault = coordinatorOptionsFault(options);
    assert(fault === null, fault ?? '');
    this.#options = options;
    this.#host = host;
    this.#nowMs = nowMs;
    this.#heartbeatAtMs = nowMs;
    this.#lastRequest = options.boot * REQUESTS_PER_BOOT;
    this.#raft = new Raft({ ...options.raft, id: options.node, random: options.random }, restored, nowMs);
    this.#controller = new Controller({ ...options.controller, self: options.node });
    this.#lease = new LeaseKeeper(() => this.#state.settings?.leaseMs ?? null);
    this.#finder = new LeaderFinder(options.node, options.seeds);
    const limits = { ...options, requestsMax: REQUESTS_MAX };
    this.#requests = new RequestDesk(
      limits,
      (request, command) => this.#carry({ node: options.node, request }, command),
      (request, answer, atMs) => this.#answered(request, answer, atMs),
    );
    this.#desk = new LeaderDesk(
      limits,
      this.#controller,
      (request, command) => this.#feed({ type: 'propose', request, payload: encodeCommand(command) }),
      (asker, answer) => this.#answer(asker, answer),
      (command, isApplied) => this.#settled(command, isApplied),
    );
    this.#heartbeats = new HeartbeatDesk((round) => this.#feed({ type: 'read', request: -round }));
    if (restored.snapshot !== null) {
      this.#state = decodeState(restored.snapshot.data);
      this.#appliedIndex = restored.snapshot.index;
      this.#compactedIndex = restored.snapshot.index;
    }
  }

  get state(): ClusterState {
    return this.#state;
  }

  /** The log index that {@link state} stands for. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get lease(): LeaseKeeper {
    return this.#lease;
  }

  get raft(): Raft {
    return this.#raft;
  }

  /** What waits for answers: here, and as the leader. */
  get queued(): { requests: number; leading: number; heartbeats: number } {
    return { requests: this.#requests.size, leading: this.#desk.size, heartbeats: this.#heartbeats.size };
  }

  get wakeAtMs(): number {
    return Math.min(
      this.#raft.wakeAtMs,
      this.#heartbeatAtMs,
      this.#decideAtMs,
      this.#requests.wakeAtMs,
      this.#desk.wakeAtMs,
    );
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#raft.wakeAtMs <= nowMs) this.#feed({ type: 'tick' });
    if (this.#heartbeatAtMs <= nowMs) {
      this.#heartbeatAtMs = nowMs + this.#heartbeatMs;
      this.#heartbeat();
    }
    this.#requests.tick(nowMs);
    if (this.#isLeader) {
      this.#desk.tick(this.#state, nowMs);
      if (this.#decideAtMs <= nowMs) this.#decide();
    }
    this.#tellChange();
  }

  submit(request: number, command: ClusterCommand, nowMs: number): void {
    this.#nowMs = nowMs;
    const fault = commandFault(command);
    if (fault === null) this.#requests.submit(request, command, nowMs);
    else this.#host.answered(request, { type: 'refused', reason: fault, isRetryable: false }, nowMs);
    this.#tellChange();
  }

  /**
   * This start of the node ends: it holds no lease any more, which is what `stop` with `isOver` says. It goes on as a
   * member of the group until its process ends.
   */
  leave(): void {
    this.#isLeaving = true;
    this.#lease.giveUp();
  }

  /** A number for {@link submit} that no earlier request of this node bears. */
  nextRequest(): number {
    return ++this.#lastRequest;
  }

  receiveRaft(from: NodeId, message: RaftMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#feed({ type: 'message', from, message });
    this.#tellChange();
  }

  receive(from: NodeId, message: CoordinatorMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    switch (message.kind) {
      case 'request':
        if (this.#isLeader) {
          this.#desk.onRequest({ node: from, request: message.request }, message.command, this.#state, nowMs);
        } else this.#host.send(from, { kind: 'not-leader', leader: this.#raft.leader });
        break;
      case 'answer':
        this.#requests.onAnswer(message.request, message.answer, nowMs);
        break;
      case 'heartbeat':
        if (this.#isLeader) this.#onHeartbeat({ ...message, node: from }, message.hasLease);
        else this.#host.send(from, { kind: 'not-leader', leader: this.#raft.leader });
        break;
      case 'heartbeat-ok':
        if (message.boot === this.#options.boot) {
          this.#lease.offer(message.sentAtMs, message.index, this.#appliedIndex);
        }
        break;
      case 'not-leader':
        if (this.#finder.denied(from, message.leader, this.#raft.leader)) this.#onNewLeader();
        break;
      default:
        unreachable(message);
    }
    this.#tellChange();
  }

  /** The persist action of this number is durable. */
  persisted(number: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#feed({ type: 'persisted', number });
    this.#tellChange();
  }

  /** Asks the group to be led by another node: before this one stops. */
  transferLeadership(to: NodeId, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#feed({ type: 'transfer', request: 0, to });
    this.#tellChange();
  }

  /** A node may join a cluster whose leases are shorter than its options reckon with. */
  get #heartbeatMs(): number {
    return Math.min(this.#options.heartbeatMs, (this.#state.settings?.leaseMs ?? Number.POSITIVE_INFINITY) / 4);
  }

  get #isLeader(): boolean {
    return this.#raft.role === 'leader';
  }

  /** Steps are not nested: what a step leads to is done after it. */
  #feed(event: RaftEvent): void {
    this.#events.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const action of this.#raft.step(next, this.#nowMs)) this.#perform(action);
    }
    this.#isRunning = false;
  }

  #perform(action: RaftAction): void {
    switch (action.type) {
      case 'persist':
        this.#host.persist(action);
        break;
      case 'send':
        this.#host.send(action.to, { kind: 'raft', message: action.message });
        break;
      case 'apply':
        for (const entry of action.entries) this.#apply(entry);
        this.#afterApplying();
        break;
      case 'restore':
        this.#state = decodeState(action.snapshot.data);
        this.#appliedIndex = action.snapshot.index;
        this.#compactedIndex = action.snapshot.index;
        this.#hasChanged = true;
        this.#afterApplying();
        break;
      case 'proposed':
        this.#onProposed(action);
        break;
      case 'refused':
        if (action.request > 0) this.#desk.onRefused(action.request);
        else if (action.request < 0) this.#heartbeats.refused(-action.request);
        break;
      case 'read-ready':
        this.#confirmHeartbeats(-action.request);
        break;
      case 'role':
        this.#onRole(action.role === 'leader', action.leader);
        break;
      default:
        unreachable(action);
    }
  }

  #onProposed({ request, index, term }: Extract<RaftAction, { type: 'proposed' }>): void {
    const command = this.#desk.onProposed(request, index, term);
    if (command !== null) this.#marks.note(command, index);
  }

  #apply(entry: LogEntry): void {
    assert(entry.index === this.#appliedIndex + 1, `entry ${entry.index} follows ${this.#appliedIndex}`);
    this.#appliedIndex = entry.index;
    if (entry.kind !== 'command') return;
    const { state, refusal } = applyPayload(this.#state, entry.payload);
    if (state !== this.#state) this.#hasChanged = true;
    this.#state = state;
    this.#desk.onApplied(entry.index, entry.term, refusal);
  }

  #afterApplying(): void {
    if (this.#isLeader) this.#decideAtMs = this.#nowMs;
    if (this.#appliedIndex - this.#compactedIndex >= this.#options.compactAfterEntries) {
      this.#compactedIndex = this.#appliedIndex;
      this.#feed({ type: 'compact', index: this.#appliedIndex, data: encodeState(this.#state) });
    }
  }

  /** Told once all steps of an event are done, so that nobody is called from within one. */
  #tellChange(): void {
    // First the state, then the lease: a lease counts for those who have seen the state of its index.
    if (this.#hasChanged) {
      this.#hasChanged = false;
      this.#checkMembership();
      this.#host.configured(this.#nowMs);
    }
    this.#lease.applied(this.#appliedIndex);
  }

  #checkMembership(): void {
    const entry = this.#state.nodes.get(this.#options.node);
    const wasRegistered = this.#isRegistered;
    this.#isRegistered = entry?.boot === this.#options.boot;
    if (this.#isRegistered) {
      if (!wasRegistered) this.#heartbeatAtMs = this.#nowMs;
    } else if (wasRegistered) {
      this.#isExpelled = true;
      this.#host.expelled(
        entry === undefined
          ? `node ${this.#options.node} was removed from the cluster`
          : `another process has registered as node ${this.#options.node}, in its start number ${entry.boot}`,
        entry === undefined ? 'removed' : 'replaced',
      );
    }
  }

  #onRole(isLeader: boolean, leader: NodeId | null): void {
    this.#marks.clear();
    if (isLeader) {
      this.#controller.lead(this.#nowMs);
      this.#isCreating = false;
      this.#decideAtMs = this.#nowMs;
    } else {
      this.#controller.resign();
      this.#desk.resign();
      this.#heartbeats.resign();
      this.#decideAtMs = Number.POSITIVE_INFINITY;
    }
    if (leader !== null && this.#finder.followed(leader)) this.#onNewLeader();
  }

  /** A new leader fences whoever it does not hear of, and hands out no lease before it was heard of. */
  #onNewLeader(): void {
    this.#heartbeatAtMs = this.#nowMs;
    this.#requests.onLeader(this.#nowMs);
  }

  #addressee(): NodeId | null {
    return this.#finder.addressee(this.#raft.leader);
  }

  #carry(asker: Asker, command: ClusterCommand): void {
    const to = this.#addressee();
    if (this.#isLeader) this.#desk.onRequest(asker, command, this.#state, this.#nowMs);
    else if (to !== null) this.#host.send(to, { kind: 'request', request: asker.request, command });
  }

  #answer(asker: Asker, answer: CoordinatorAnswer): void {
    if (asker.node === this.#options.node) this.#requests.onAnswer(asker.request, answer, this.#nowMs);
    else this.#host.send(asker.node, { kind: 'answer', request: asker.request, answer });
  }

  /** What became of a proposal of this leader's own: one that was refused must not wait for its time-out. */
  #settled(command: ClusterCommand, isApplied: boolean): void {
    if (command.type === 'create') this.#isCreating = isApplied;
    this.#controller.settled(command, isApplied, this.#nowMs);
    if (this.#isLeader) this.#decideAtMs = Math.min(this.#decideAtMs, this.#controller.wakeAtMs);
  }

  #answered(request: number, answer: CoordinatorAnswer, nowMs: number): void {
    if (request !== this.#registration) this.#host.answered(request, answer, nowMs);
    else {
      // Whether it came to anything is seen in the state; at the next heartbeat it is asked for again if not.
      this.#registration = 0;
      if (answer.type !== 'refused' || answer.isRetryable) return;
      if (answer.isForGood === true) {
        this.#isExpelled = true;
        this.#host.expelled(answer.reason, 'unfit');
      } else this.#host.registrationRefused(answer.reason);
    }
  }

  #heartbeat(): void {
    const { node, boot, address, endpoints, weight, zone, partitions, claims, heartbeatMs } = this.#options;
    if (this.#isExpelled || this.#isLeaving) return;
    if (!this.#isRegistered) {
      // One at a time: the request is sent again until it is answered or given up.
      if (this.#registration === 0) {
        this.#registration = this.nextRequest();
        const plain = { type: 'register', node, boot, address, endpoints, weight, zone, partitions } as const;
        const command = claims === undefined ? plain : { ...plain, claims };
        this.#requests.submit(this.#registration, command, this.#nowMs);
      }
      // A hint may name a leader that is dead: when the request is sent again, somebody else is asked.
      else if (this.#raft.leader === null) this.#finder.forget();
      return;
    }
    const hasLease = this.#lease.endsAtMs > this.#nowMs;
    if (this.#isLeader) {
      this.#onHeartbeat({ node, boot, sentAtMs: this.#nowMs }, hasLease);
      return;
    }
    const to = this.#addressee();
    if (to !== null) this.#host.send(to, { kind: 'heartbeat', boot, sentAtMs: this.#nowMs, hasLease });
    // A hint that leads nowhere is forgotten after a while: the next one asked is another.
    if (this.#raft.leader === null && this.#nowMs - this.#lease.endsAtMs > heartbeatMs) this.#finder.forget();
  }

  /** Renews a lease, but only after the group has confirmed, later than now, that this node leads it. */
  #onHeartbeat({ node, boot, sentAtMs }: Heartbeat, hasLease: boolean): void {
    if (this.#controller.heard(node, boot, this.#nowMs, hasLease)) {
      this.#heartbeats.onHeartbeat({ node, boot, sentAtMs });
    }
    this.#decideAtMs = Math.min(this.#decideAtMs, this.#controller.wakeAtMs);
  }

  #confirmHeartbeats(round: number): void {
    for (const { node, boot, sentAtMs } of this.#heartbeats.confirmed(round)) {
      // Also what is not committed: a fencing that is on its way must be seen first.
      const index = Math.max(this.#appliedIndex, this.#marks.of(node));
      if (node === this.#options.node) this.#lease.offer(sentAtMs, index, this.#appliedIndex);
      else this.#host.send(node, { kind: 'heartbeat-ok', boot, sentAtMs, index });
    }
  }

  #decide(): void {
    this.#create();
    const { commands, membershipChanges, transferTo } = this.#controller.decide(
      this.#state,
      this.#raft.membership,
      (node) => this.#raft.progressOf(node) ?? null,
      this.#nowMs,
    );
    for (const command of commands) this.#desk.propose(null, command);
    for (const change of membershipChanges) this.#feed({ type: 'change-membership', request: 0, change });
    if (transferTo !== null) this.#feed({ type: 'transfer', request: 0, to: transferTo });
    this.#decideAtMs = Math.max(this.#controller.wakeAtMs, this.#nowMs + 1);
  }

  /** Creates the cluster once all founders are there, or enough have waited for the others. */
  #create(): void {
    const { settings, createAfterMs } = this.#options;
    if (settings === null || this.#state.settings !== null || this.#isCreating) return;
    const waitsUntilMs = this.#raft.leaderSinceMs + createAfterMs;
    const isWhole = this.#raft.membership.voters.every((voter) => this.#state.nodes.has(voter));
    if (!isWhole && this.#nowMs < waitsUntilMs) return;
    this.#isCreating = true;
    this.#desk.propose(null, { type: 'create', settings });
  }
}
