import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monotonicMs } from '../../../../src/base/monotonic.ts';
import type { Logger } from '../../../../src/base/ports.ts';
import { ClusterClient } from '../../../../src/cluster/actor/cluster-client.ts';
import type { BusSettings } from '../../../../src/cluster/actor/cluster-thread-data.ts';
import type { ClusterSettings } from '../../../../src/cluster/controller/cluster-state.ts';
import { PartitionGates } from '../../../../src/cluster/partition-gates.ts';
import { createDoorbell } from '../../../../src/mailbox/doorbell.ts';

const settings: ClusterSettings = { partitions: 4, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' };

export interface MemberOptions {
  readonly expect: number;
  readonly seeds?: readonly string[];
  readonly settings?: Partial<ClusterSettings>;
  readonly bus?: Partial<BusSettings>;
}

/** A node without shards: its cluster thread and what the main thread has of it. */
export class Member {
  readonly client: ClusterClient;
  readonly logged: string[] = [];
  readonly failures: string[] = [];

  constructor(name: string, dataDir: string, options: MemberOptions) {
    const note = (_fields: object, message: string): void => void this.logged.push(message);
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const made = { ...settings, ...options.settings };
    this.client = new ClusterClient({
      dataDir,
      nodeName: name,
      bus: {
        host: '127.0.0.1',
        port: 0,
        secret: 'of all',
        seeds: options.seeds ?? [],
        defaultPort: 17_379,
        announced: '',
        messageBytesMax: 65_536,
        tls: null,
        ...options.bus,
      },
      bootstrapExpect: options.expect,
      settings: made,
      weight: 1,
      zone: null,
      gates: PartitionGates.create(made.partitions),
      links: [],
      bell: createDoorbell(),
      shardOfPartition: [],
      logger,
      onFailed: (reason) => this.failures.push(reason),
    });
  }

  get address(): string {
    return `127.0.0.1:${this.client.busPort}`;
  }

  start(): Promise<void> {
    return this.client.start({ tcp: ':1111', http: '', link: 'here.example:2222' });
  }

  /** Whether it is registered, not fenced, and holds a lease. */
  get isWell(): boolean {
    const { state, self, boot, gates } = this.client;
    const entry = state.nodes.get(self);
    return entry?.boot === boot && !entry.isFenced && gates.leaseLeftMs(monotonicMs()) > 0;
  }
}

/** Makes members in directories of their own, and ends all of it. */
export class Members {
  readonly #all: Member[] = [];
  #directory: string | null = null;

  /** The same name again: the same node. */
  async add(name: string, options: MemberOptions): Promise<Member> {
    this.#directory ??= await mkdtemp(join(tmpdir(), 'fluxcache-members-'));
    const member = new Member(name, join(this.#directory, name), options);
    this.#all.push(member);
    await member.start();
    return member;
  }

  /** Founds a cluster of so many. */
  async found(count: number, settings: Partial<ClusterSettings> = {}): Promise<Member[]> {
    const first = await this.add('n1', { expect: count, settings });
    const others = Array.from({ length: count - 1 }, (_, index) =>
      this.add(`n${index + 2}`, { expect: count, seeds: [first.address], settings }),
    );
    const members = [first, ...(await Promise.all(others))];
    await until(() => members.every((member) => member.isWell), 'all founders are members with a lease');
    return members;
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map(({ client }) => client.stop(0)));
    if (this.#directory !== null) await rm(this.#directory, { recursive: true, force: true });
  }
}

export async function until(isSo: () => boolean, what: string, timeoutMs = 30_000): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`in ${timeoutMs} ms it did not come about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
