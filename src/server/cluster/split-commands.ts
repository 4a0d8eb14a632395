import { slotOf } from '../../base/slot.ts';
import { Args } from '../../command/args.ts';
import type { Command, ReadCommand, WriteCommand } from '../../command/command.ts';
import { lastKeyOf } from '../../command/table.ts';
import type { KeyMap } from '../../routing/key-plan.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import type { ReplyScratch } from '../dispatch/reply-scratch.ts';
import { Scatter } from '../dispatch/scatter.ts';
import { Flight, type FlightOwner } from './flight.ts';
import type { GuardedReads } from './guarded-reads.ts';
import type { PartitionRoutes } from './partition-routes.ts';
import type { TouchedPartitions } from './touched-partitions.ts';

export interface SplitCommandsParts {
  readonly map: PartitionMap;
  readonly routes: PartitionRoutes;
  readonly reads: GuardedReads;
  readonly scratch: ReplyScratch;
  readonly replyBytesMax: () => number;
  readonly owner: FlightOwner;
  /** Sends a part to its target, or answers it; all its keys, of which `touched` tells, are there. */
  send(target: number, part: Flight, args: Args, touched: TouchedPartitions): void;
  /** For the parts: the record of the whole command is needed beside it. */
  readonly touched: TouchedPartitions;
}

/** Runs commands whose keys are of several shards or nodes, in parts, and makes one reply of theirs. */
export class SplitCommands {
  readonly #parts: SplitCommandsParts;
  readonly #keyMap: KeyMap;
  readonly #scatters: Scatter[] = [];
  readonly #onDone = (scatter: Scatter): void => this.#finish(scatter);
  readonly #partArgs = new Args();

  constructor(parts: SplitCommandsParts) {
    this.#parts = parts;
    const { map, routes } = parts;
    const { shardCount } = map;
    this.#keyMap = {
      shardCount: shardCount + map.partitionCount,
      shardOfKey: (bytes, start, end) => {
        const partition = map.partitionOfSlot(slotOf(bytes, start, end));
        const target = routes.targetOf(partition);
        // Another node is sent one part a partition: what it refuses it refuses as a whole.
        return routes.isLocal(target) ? target : shardCount + partition;
      },
    };
  }

  /** `touched` tells of all keys. */
  run(flight: Flight, command: (ReadCommand | WriteCommand) & Command, args: Args, touched: TouchedPartitions): void {
    const { map, routes, reads, owner, replyBytesMax } = this.#parts;
    const { session } = flight;
    const scatter = this.#scatters.pop() ?? new Scatter(this.#keyMap, replyBytesMax, this.#onDone);
    const { plan } = scatter;
    plan.fill(args, command.keys.first, lastKeyOf(command, args), command.keys.step);
    const { partCount } = plan;
    const partArgs = this.#partArgs;
    let isLocal = true;
    for (let number = 0; number < partCount; number++) isLocal &&= plan.shardOf(number) < map.shardCount;
    if (isLocal && command.kind === 'read' && reads.readParts(scatter, command, args, partArgs, touched, session)) {
      scatter.begin(command.gather, partCount, flight.sink);
      scatter.partsDone(partCount);
      return;
    }
    scatter.beginParts(command.kind);
    scatter.begin(command.gather, partCount, flight.sink);
    // Each part by itself: one that is refused is sent again, and does not take the others with it.
    for (let number = 0; number < partCount; number++) {
      const place = plan.shardOf(number);
      plan.argsOf(number, args, partArgs);
      const part = new Flight(owner, command, scatter.part(number), session, flight.order);
      part.deadlineMs = flight.deadlineMs;
      this.#parts.touched.collect(command, partArgs);
      const target = place < map.shardCount ? place : routes.targetOf(place - map.shardCount);
      this.#parts.send(target, part, partArgs, this.#parts.touched);
    }
  }

  #finish(scatter: Scatter): void {
    const { scratch } = this.#parts;
    const { writer, reader } = scratch.take();
    try {
      const sink = scatter.finish(writer);
      // The sink may ask for the next command at once, which may take the same record.
      this.#scatters.push(scatter);
      reader.openWritten(writer);
      sink.onReply(reader);
    } finally {
      scratch.give();
    }
  }
}
