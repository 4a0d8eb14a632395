import { assert, unreachable } from '../../base/assert.ts';
import { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { encodeInteger } from '../../command/decimal.ts';
import { shardOfCursor } from '../../command/scan.ts';
import { lastKeyOf } from '../../command/table.ts';
import { type KeyMap, KeyPlan } from '../../routing/key-plan.ts';
import type { Transaction, WatchedKey } from './transaction.ts';
import type { TransactionFault } from './transaction-queue.ts';

/** Where one command of a transaction is run. */
export interface Place {
  /** Empty: on the front end. Else by part of the command. */
  readonly shards: readonly number[];
  /** How the keys fall onto the parts; null when there is one part, or when all shards do the same. */
  readonly plan: KeyPlan | null;
}

/** What is sent to one shard: ranges of the transaction's bytes. */
export class ShardPart {
  readonly shard: number;
  watches = 0;
  readonly watchBounds: number[] = [];
  readonly commandBounds: number[] = [];

  constructor(shard: number) {
    this.shard = shard;
  }
}

const ON_FRONT: Place = { shards: [], plan: null };
const number = new Uint8Array(24);

/** How a transaction falls onto the shards, and what each of them is sent. */
export class TransactionPlan {
  /** By command. */
  readonly places: Place[] = [];
  /** Of the shards that take part, in no order. */
  readonly parts: ShardPart[] = [];
  readonly #map: KeyMap;
  readonly #transaction: Transaction;
  readonly #args = new Args();
  readonly #partArgs = new Args();
  readonly #partOfShard = new Map<number, ShardPart>();
  readonly #all: readonly number[];

  constructor(map: KeyMap, transaction: Transaction, watched: readonly WatchedKey[]) {
    this.#map = map;
    this.#transaction = transaction;
    this.#all = Array.from({ length: map.shardCount }, (_, shard) => shard);
    for (const watch of watched) this.#addWatch(watch);
    for (const [index, command] of transaction.commands.entries()) this.#addCommand(index, command);
  }

  /** Fills `target` with the arguments of `flux.exec` for a part that meets the others at `slot` of the barrier. */
  argsOf(ordinal: number, slot: number, target: Args): void {
    const part = this.parts[ordinal] as ShardPart;
    const head: number[] = [];
    for (const value of [slot, ordinal, this.parts.length, this.#map.shardCount, part.watches]) this.#push(head, value);
    // Only now: the numbers may have moved the bytes to a larger buffer.
    target.clear(this.#transaction.bytes);
    for (const bounds of [head, part.watchBounds, part.commandBounds]) {
      for (let at = 0; at < bounds.length; at += 2) target.push(bounds[at] as number, bounds[at + 1] as number);
    }
  }

  #addWatch({ key, version, expiresAtMs }: WatchedKey): void {
    const part = this.#part(this.#map.shardOfKey(key, 0, key.length));
    const start = this.#transaction.append(key, 0, key.length);
    part.watchBounds.push(start, this.#transaction.length);
    this.#push(part.watchBounds, version);
    this.#push(part.watchBounds, expiresAtMs);
    part.watches++;
  }

  #addCommand(index: number, command: Command): void {
    this.#transaction.argsOf(index, this.#args);
    const place = placeOf(this.#map, this.#all, command, this.#args);
    this.places.push(place);
    for (const [number, shard] of place.shards.entries()) {
      let args = this.#args;
      if (place.plan !== null) {
        place.plan.argsOf(number, this.#args, this.#partArgs);
        args = this.#partArgs;
      }
      const { commandBounds } = this.#part(shard);
      this.#push(commandBounds, command.id);
      this.#push(commandBounds, args.count);
      for (let at = 0; at < args.count; at++) commandBounds.push(args.start(at), args.end(at));
    }
  }

  #part(shard: number): ShardPart {
    let part = this.#partOfShard.get(shard);
    if (part === undefined) {
      part = new ShardPart(shard);
      this.#partOfShard.set(shard, part);
      this.parts.push(part);
    }
    return part;
  }

  #push(bounds: number[], value: number): void {
    const start = this.#transaction.append(number, 0, encodeInteger(value, number));
    bounds.push(start, this.#transaction.length);
  }
}

function placeOf(map: KeyMap, all: readonly number[], command: Command, args: Args): Place {
  switch (command.kind) {
    case 'node':
    case 'connection':
    case 'container':
      return ON_FRONT;
    case 'pair':
      return { shards: [shardOfArg(map, args, 0)], plan: null };
    case 'steps':
      assert(false, 'what takes steps is not queued');
      break;
    case 'sweep':
      return { shards: all, plan: null };
    case 'survey': {
      if (command.parts !== 'cursor') return { shards: all, plan: null };
      const shard = shardOfCursor(args);
      return { shards: [shard < map.shardCount ? shard : 0], plan: null };
    }
    case 'read':
    case 'write': {
      const { first, step } = command.keys;
      if (command.gather === 'single' || map.shardCount === 1)
        return { shards: [shardOfArg(map, args, first)], plan: null };
      const plan = new KeyPlan(map);
      plan.fill(args, first, lastKeyOf(command, args), step);
      const shards = Array.from({ length: plan.partCount }, (_, part) => plan.shardOf(part));
      return { shards, plan: shards.length > 1 ? plan : null };
    }
    default:
      return unreachable(command);
  }
}

function shardOfArg(map: KeyMap, args: Args, index: number): number {
  return map.shardOfKey(args.bytes, args.start(index), args.end(index));
}

/** Why a command cannot be run within a transaction: it would take steps over several shards. */
export function faultWithin(map: KeyMap, command: Command, args: Args): TransactionFault | null {
  if (map.shardCount === 1) return null;
  let sameShard = true;
  if (command.kind === 'pair') {
    sameShard = shardOfArg(map, args, 0) === shardOfArg(map, args, 1);
  } else if ((command.kind === 'read' || command.kind === 'write') && command.gather === 'one-shard') {
    const { first, step } = command.keys;
    const shard = shardOfArg(map, args, first);
    for (let at = first; at <= lastKeyOf(command, args); at += step) sameShard &&= shardOfArg(map, args, at) === shard;
  }
  return sameShard ? null : { code: 'cross-slot', message: "Keys in request don't hash to the same slot" };
}
