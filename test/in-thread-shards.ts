import type { Random } from '../src/base/ports.ts';
import type { NodePort } from '../src/command/command.ts';
import { noControl } from '../src/command/control.ts';
import { noPublisher } from '../src/command/publisher.ts';
import { ReplyKind, type ReplyReader } from '../src/command/reply.ts';
import { type CommandTable, commandTable } from '../src/command/table.ts';
import { ActorMailbox } from '../src/mailbox/actor-mailbox.ts';
import { createDoorbell, Doorbell } from '../src/mailbox/doorbell.ts';
import { createMailbox } from '../src/mailbox/mailbox.ts';
import { PartitionMap } from '../src/routing/partition-map.ts';
import { Dispatcher } from '../src/server/dispatch/dispatcher.ts';
import type { LocalReader } from '../src/server/dispatch/local-reader.ts';
import { Barrier } from '../src/shard/barrier.ts';
import { ShardActor } from '../src/shard/shard-actor.ts';
import { ShardClient } from '../src/shard/shard-client.ts';
import { ShardControl } from '../src/shard/shard-control.ts';
import type { ShardStore } from '../src/shard/shard-store.ts';
import { TurnClock } from '../src/shard/turn-clock.ts';
import { ModelStore } from './model-store.ts';

/** A model store that an actor can own and a front end read. */
export class ModelShardStore extends ModelStore implements ShardStore, LocalReader {
  countsLookups = false;
  /** As while a group of writes is being published: readers are turned away. */
  publishing = false;
  /** The next `leave` says that a group was published meanwhile. */
  changed = false;

  expireDue(): number {
    return 0;
  }

  nextExpiryMs(): number {
    return -1;
  }

  maintain(): boolean {
    return false;
  }

  enter(): boolean {
    return !this.publishing;
  }

  hold(): void {}

  release(): void {}

  leave(): boolean {
    const unchanged = !this.changed;
    this.changed = false;
    return unchanged;
  }
}

export const plainNode: NodePort = {
  clock: { nowMs: () => 1_700_000_000_000 },
  random: { nextUint32: () => 7 } satisfies Random,
  infoSections: [],
  control: noControl,
  publisher: noPublisher,
};

export interface InThreadOptions {
  readonly table?: CommandTable;
  readonly ringBytes?: number;
  readonly queuedCountMax?: number;
}

/** Shards of model stores whose actors run in this thread, when the test says so. */
export class InThreadShards {
  readonly stores: readonly ModelShardStore[];
  readonly clients: readonly ShardClient[];
  readonly dispatcher: Dispatcher;
  readonly map: PartitionMap;
  readonly defects: string[] = [];
  readonly #actors: readonly ShardActor[];

  constructor(shardCount: number, options: InThreadOptions = {}) {
    const { table = commandTable, ringBytes = 65_536, queuedCountMax = 1000 } = options;
    const frontBell = createDoorbell();
    const barrier = new Barrier(Barrier.create(shardCount));
    const bells = Array.from({ length: shardCount }, () => createDoorbell());
    const boxes = bells.map((actorBell) =>
      createMailbox({ actorBell, frontBell, commandRingBytes: ringBytes, replyRingBytes: ringBytes }),
    );
    const onDefect = (command: { name: string }, error: unknown): void => {
      this.defects.push(`${command.name}: ${error}`);
    };
    this.stores = bells.map(() => new ModelShardStore());
    this.clients = boxes.map((box, shard) => new ShardClient(shard, box, { queuedCountMax, queuedBytesMax: 2 ** 24 }));
    this.#actors = boxes.map((box, shard) => {
      const store = this.stores[shard] as ModelShardStore;
      return new ShardActor({
        guard: null,
        companion: null,
        store,
        clock: new TurnClock({ nowMs: () => store.timeMs }),
        table,
        mailboxes: [new ActorMailbox(box)],
        bell: new Doorbell(bells[shard] as (typeof bells)[number]),
        control: new ShardControl(ShardControl.create()),
        random: plainNode.random,
        barrier,
        shard,
        onDefect,
      });
    });
    this.map = new PartitionMap(64, shardCount);
    this.dispatcher = new Dispatcher({
      table,
      map: this.map,
      node: plainNode,
      clients: this.clients,
      readers: this.stores,
      onSent: () => {},
      onDefect,
    });
  }

  /** The actor of one shard serves what was sent to it. */
  serve(shard: number): void {
    this.clients[shard]?.flush();
    this.#actors[shard]?.turn();
  }

  /** The front end takes the replies of one shard, `limit` at most. */
  receive(shard: number, limit = 1000): void {
    this.clients[shard]?.receive(limit);
  }

  /** Until no command is in flight. Commands that go on in later turns of the event loop are waited for. */
  async settle(): Promise<void> {
    while (this.dispatcher.inFlight > 0) {
      for (let shard = 0; shard < this.stores.length; shard++) {
        this.serve(shard);
        this.receive(shard);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A reply as a JavaScript value, its attribute left out: `error CODE MESSAGE` for errors, a nested array for arrays. */
export function plainReply(reply: ReplyReader): unknown {
  switch (reply.kind) {
    case ReplyKind.null:
    case ReplyKind.nullArray:
      return null;
    case ReplyKind.false:
      return false;
    case ReplyKind.true:
      return true;
    case ReplyKind.integer:
    case ReplyKind.double:
      return reply.number;
    case ReplyKind.bigInteger:
      return reply.bigInteger;
    case ReplyKind.error:
      return `error ${reply.errorCode} ${reply.text}`;
    case ReplyKind.array:
    case ReplyKind.map: {
      const count = reply.kind === ReplyKind.map ? reply.count * 2 : reply.count;
      return Array.from({ length: count }, () => {
        reply.next();
        return plainReply(reply);
      });
    }
    case ReplyKind.enclosed:
      reply.next();
      return plainReply(reply);
    default:
      return reply.text;
  }
}
