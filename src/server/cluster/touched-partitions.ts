import { SLOT_COUNT, slotOf } from '../../base/slot.ts';
import { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import { lastKeyOf } from '../../command/table.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import { COMMAND_HEAD_ARGS, TRANSACTION_ROW, TransactionArg, WATCH_ARGS } from '../../shard/transaction-message.ts';

/** Tells of commands which partitions their keys are of. Used again for the next command, call after call. */
export class TouchedPartitions {
  /** Slot of each key of the command last collected, and the partition of each. */
  readonly slots: number[] = [];
  readonly partitionOfKey: number[] = [];
  readonly #map: PartitionMap;
  readonly #commands: readonly Command[];
  readonly #distinct: number[] = [];
  /** By partition: the round in which it was met last. */
  readonly #metIn: Uint32Array;
  #round = 0;
  readonly #args = new Args();

  /** `commands` are those of the table, by id. */
  constructor(map: PartitionMap, commands: readonly Command[]) {
    this.#map = map;
    this.#commands = commands;
    this.#metIn = new Uint32Array(Math.min(map.partitionCount, SLOT_COUNT));
  }

  /**
   * The partitions of a command's keys, each once, in the order of the keys; none when it has no keys. Of a transaction
   * (`flux.exec`): those of its watches and commands. The array is filled anew by the next call.
   */
  collect(command: Command, args: Args): readonly number[] {
    this.clear();
    if (command.name === TRANSACTION_ROW) this.#transaction(args);
    else this.add(command, args);
    return this.#distinct;
  }

  /** The one partition, of a command without keys. */
  collectOne(partition: number): readonly number[] {
    this.clear();
    this.#distinct.push(partition);
    return this.#distinct;
  }

  /** What was added since `clear`. */
  get distinct(): readonly number[] {
    return this.#distinct;
  }

  clear(): void {
    this.#distinct.length = 0;
    this.slots.length = 0;
    this.partitionOfKey.length = 0;
    this.#round++;
  }

  /** Adds the keys of a command, which is no transaction. */
  add(command: Command, args: Args): void {
    if (command.kind === 'pair') {
      this.addKey(args.bytes, args.start(0), args.end(0));
      this.addKey(args.bytes, args.start(1), args.end(1));
    } else if (command.kind === 'read' || command.kind === 'write') {
      const { first, step } = command.keys;
      if (command.gather === 'single') {
        this.addKey(args.bytes, args.start(first), args.end(first));
        return;
      }
      const last = lastKeyOf(command, args);
      for (let at = first; at <= last; at += step) this.addKey(args.bytes, args.start(at), args.end(at));
    }
  }

  addKey(bytes: Uint8Array, start: number, end: number): void {
    const slot = slotOf(bytes, start, end);
    const partition = this.#map.partitionOfSlot(slot);
    this.slots.push(slot);
    this.partitionOfKey.push(partition);
    if (this.#metIn[partition] === this.#round) return;
    this.#metIn[partition] = this.#round;
    this.#distinct.push(partition);
  }

  #transaction(args: Args): void {
    const first = TransactionArg.first + numberArg(args, TransactionArg.watches) * WATCH_ARGS;
    for (let at: number = TransactionArg.first; at < first; at += WATCH_ARGS) {
      this.addKey(args.bytes, args.start(at), args.end(at));
    }
    for (let at = first; at + 1 < args.count; ) {
      const command = this.#commands[numberArg(args, at)];
      const count = numberArg(args, at + 1);
      at += COMMAND_HEAD_ARGS;
      if (command === undefined || at + count > args.count) return;
      this.#args.clear(args.bytes);
      for (let index = 0; index < count; index++) this.#args.push(args.start(at + index), args.end(at + index));
      this.add(command, this.#args);
      at += count;
    }
  }
}

function numberArg(args: Args, index: number): number {
  return decodeRoughInteger(args.bytes, args.start(index), args.end(index));
}
