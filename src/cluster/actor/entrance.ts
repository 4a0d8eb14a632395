import { randomBytes } from 'node:crypto';
import { monotonicMs } from '../../base/monotonic.ts';
import { type Logger, plainRandom } from '../../base/ports.ts';
import type { RaftLog } from '../consensus/raft-log-file.ts';
import type { RaftState } from '../consensus/raft-types.ts';
import { emptyClusterState } from '../controller/cluster-state.ts';
import { encodeState } from '../controller/state-codec.ts';
import { Founding } from '../founding/founding.ts';
import type { FoundingMessage, Proposal } from '../founding/founding-message.ts';
import type { NodeId } from '../identity.ts';
import type { ClusterActorSettings } from './cluster-thread-data.ts';
import type { NodeIdentityFile } from './node-identity-file.ts';

export interface EntranceHost {
  send(to: NodeId, message: FoundingMessage): void;
  /** Runs an event that comes by itself. */
  work(event: () => void): void;
  /** Other nodes of no cluster, by address. */
  heardOf(nodes: ReadonlyMap<NodeId, string>): void;
  /** The node is of a cluster, by its own file; what consensus has of it is `restored`. */
  entered(clusterId: string, restored: RaftState): void;
  /** The disk refuses. */
  failed(reason: string): void;
}

/** How a node comes to be of a cluster: one that it was of before, one that it founds with others, or one that it joins. */
export class Entrance {
  #founding: Founding | null = null;
  readonly #settings: ClusterActorSettings;
  readonly #identity: NodeIdentityFile;
  readonly #raftLog: RaftLog;
  readonly #log: Logger;
  readonly #host: EntranceHost;

  constructor(
    settings: ClusterActorSettings,
    identity: NodeIdentityFile,
    raftLog: RaftLog,
    log: Logger,
    host: EntranceHost,
  ) {
    this.#settings = settings;
    this.#identity = identity;
    this.#raftLog = raftLog;
    this.#log = log;
    this.#host = host;
  }

  /** Under way; null: the node is of a cluster, or has not begun to look. */
  get founding(): Founding | null {
    return this.#founding;
  }

  async begin(): Promise<void> {
    const { clusterId, proposal } = this.#identity.identity;
    if (clusterId === '') this.#look(proposal);
    else await this.#enter();
  }

  /** There is no cluster that this node is of. */
  #look(promised: Proposal | null): void {
    const { bootstrapExpect, settings, bus } = this.#settings;
    const { node } = this.#identity.identity;
    const founding = new Founding(
      {
        self: node,
        boot: this.#raftLog.boot,
        expect: bootstrapExpect,
        settings,
        hasSeeds: bus.seeds.length > 0,
        random: plainRandom,
        newClusterId: () => randomBytes(20).toString('hex'),
      },
      promised,
      {
        send: (to, message) => this.#host.send(to, message),
        hold: (proposal) => {
          this.#identity.write({ ...this.#identity.identity, proposal });
          queueMicrotask(() => this.#host.work(() => founding.held()));
        },
        found: (proposal) => this.#found(proposal),
        join: (clusterId) => this.#join(clusterId),
        hindered: (reason) => this.#log.warn({ reason }, 'the node waits for a cluster'),
        heardOf: (nodes) => this.#host.heardOf(nodes),
      },
      monotonicMs(),
    );
    this.#founding = founding;
    const how = bootstrapExpect > 0 ? `to be founded by ${bootstrapExpect}, or to join` : 'to join';
    this.#log.info({ id: node, seeds: bus.seeds }, `the node looks for a cluster ${how}`);
  }

  #found(proposal: Proposal): void {
    const { clusterId, settings, founders } = proposal;
    this.#identity.write({ ...this.#identity.identity, clusterId, settings, proposal, isBeginning: true });
    this.#log.info({ clusterId, founders }, 'the node is a founder of a cluster');
    void this.#enter();
  }

  #join(clusterId: string): void {
    this.#identity.write({ ...this.#identity.identity, clusterId, settings: null, proposal: null, isBeginning: false });
    this.#log.info({ clusterId }, 'the node joins a cluster');
    void this.#enter();
  }

  /** The node is of a cluster, by its own file. */
  async #enter(): Promise<void> {
    let restored: RaftState = this.#raftLog.raft;
    const { identity } = this.#identity;
    if (identity.isBeginning && identity.proposal !== null) {
      if (restored.snapshot === null) {
        const snapshot = foundingSnapshot(identity.proposal);
        try {
          await this.#raftLog.save({ hard: null, snapshot, entries: [] });
        } catch (error) {
          this.#host.failed(String(error));
          return;
        }
        restored = { ...restored, snapshot };
      }
      this.#identity.write({ ...identity, isBeginning: false });
    }
    this.#founding = null;
    this.#host.entered(identity.clusterId, restored);
  }
}

/** Every founder begins from the same: a group of all founders that has agreed on nothing. */
function foundingSnapshot({ founders }: Proposal): NonNullable<RaftState['snapshot']> {
  const membership = { voters: founders, learners: [] };
  return { index: 0, term: 0, membership, data: encodeState(emptyClusterState) };
}
