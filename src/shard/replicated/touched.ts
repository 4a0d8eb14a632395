import { keyHashOf } from '../../base/key-hash.ts';
import { SLOT_COUNT, slotOf } from '../../base/slot.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import { COMMAND_HEAD_ARGS, TransactionArg, WATCH_ARGS } from '../transaction-message.ts';

const NO_BYTES = new Uint8Array(0);
const READ = 1;
const WRITTEN = 2;

/**
 * Which keys a command names, and which partitions those are of: a record that is refilled for every command. Keys are
 * ranges of the command's bytes.
 */
export class Touched {
  keyCount = 0;
  partitionCount = 0;
  /** It clears whole partitions: all that this node is primary of. */
  sweeps = false;
  /** The slot at the barrier of a transaction with other shards; -1: it is none. */
  barrierSlot = -1;
  readonly #commands: readonly Command[];
  readonly #partitionOfSlot: Uint16Array;
  /** By partition: how the command at hand touches it; 0: not at all. */
  readonly #uses: Uint8Array;
  readonly #partitions: Uint16Array;
  #bytes: Uint8Array = NO_BYTES;
  #starts: number[] = [];
  #ends: number[] = [];
  #slots: number[] = [];
  #writes: boolean[] = [];

  constructor(partitions: number, commands: readonly Command[]) {
    this.#commands = commands;
    this.#uses = new Uint8Array(partitions);
    this.#partitions = new Uint16Array(partitions);
    this.#partitionOfSlot = Uint16Array.from({ length: SLOT_COUNT }, (_, slot) =>
      Math.floor((slot * partitions) / SLOT_COUNT),
    );
  }

  clear(): void {
    for (let index = 0; index < this.partitionCount; index++) this.#uses[this.#partitions[index] as number] = 0;
    this.keyCount = 0;
    this.partitionCount = 0;
    this.sweeps = false;
    this.barrierSlot = -1;
    this.#bytes = NO_BYTES;
  }

  /** Of a command that is no transaction. */
  fill(command: Command, args: Args): void {
    this.clear();
    this.#bytes = args.bytes;
    this.#addCommand(command, args, 0, args.count);
  }

  /** Of `flux.exec`, with the keys that it watches. */
  fillTransaction(args: Args): void {
    this.clear();
    this.#bytes = args.bytes;
    this.barrierSlot = numberArg(args, TransactionArg.slot);
    let at: number = TransactionArg.first;
    for (let left = numberArg(args, TransactionArg.watches); left > 0; left--) {
      this.#addKey(args, at, false);
      at += WATCH_ARGS;
    }
    while (at < args.count) {
      const command = this.#commands[numberArg(args, at)] as Command;
      const count = numberArg(args, at + 1);
      at += COMMAND_HEAD_ARGS;
      this.#addCommand(command, args, at, at + count);
      at += count;
    }
  }

  slot(key: number): number {
    return this.#slots[key] as number;
  }

  partitionOf(key: number): number {
    return this.#partitionOfSlot[this.slot(key)] as number;
  }

  isWritten(key: number): boolean {
    return this.#writes[key] as boolean;
  }

  keyHash(key: number): number {
    return keyHashOf(this.#bytes, this.#starts[key] as number, this.#ends[key] as number);
  }

  partition(index: number): number {
    return this.#partitions[index] as number;
  }

  writesTo(partition: number): boolean {
    return ((this.#uses[partition] as number) & WRITTEN) !== 0;
  }

  touches(partition: number): boolean {
    return this.#uses[partition] !== 0;
  }

  #addCommand(command: Command, args: Args, from: number, to: number): void {
    if (command.kind === 'sweep') this.sweeps = true;
    const { first, last, step } = command.keys;
    if (step === 0) return;
    const writes = command.kind !== 'read';
    const end = last < 0 ? to + last : from + last;
    for (let at = from + first; at <= end && at < to; at += step) this.#addKey(args, at, writes);
  }

  #addKey(args: Args, at: number, writes: boolean): void {
    const key = this.keyCount++;
    const start = args.start(at);
    const end = args.end(at);
    const slot = slotOf(args.bytes, start, end);
    this.#starts[key] = start;
    this.#ends[key] = end;
    this.#slots[key] = slot;
    this.#writes[key] = writes;
    const partition = this.#partitionOfSlot[slot] as number;
    const use = this.#uses[partition] as number;
    if (use === 0) this.#partitions[this.partitionCount++] = partition;
    this.#uses[partition] = use | (writes ? WRITTEN : READ);
  }
}

function numberArg(args: Args, index: number): number {
  return decodeRoughInteger(args.bytes, args.start(index), args.end(index));
}
