import type { Args } from '../../command/args.ts';
import { Args as ArgsRecord } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { decodeRoughInteger } from '../../command/decimal.ts';
import { COMMAND_HEAD_ARGS, TransactionArg, WATCH_ARGS } from '../../shard/transaction-message.ts';
import { Transaction, type WatchedKey } from '../dispatch/transaction.ts';

export interface DecodedTransaction {
  readonly transaction: Transaction;
  readonly watched: readonly WatchedKey[];
}

/** A whole transaction of the arguments of `flux.exec`, as another node sends it; null when they are none. */
export function decodeTransaction(args: Args, commands: readonly Command[]): DecodedTransaction | null {
  if (args.count < TransactionArg.first) return null;
  const first = TransactionArg.first + numberArg(args, TransactionArg.watches) * WATCH_ARGS;
  if (!(first <= args.count)) return null;
  const watched: WatchedKey[] = [];
  for (let at: number = TransactionArg.first; at < first; at += WATCH_ARGS) {
    watched.push({ key: args.copy(at), version: numberArg(args, at + 1), expiresAtMs: numberArg(args, at + 2) });
  }
  const transaction = new Transaction();
  const own = new ArgsRecord();
  for (let at = first; at < args.count; ) {
    if (at + 1 >= args.count) return null;
    const command = commands[numberArg(args, at)];
    const count = numberArg(args, at + 1);
    at += COMMAND_HEAD_ARGS;
    if (command === undefined || !(count >= 0 && at + count <= args.count)) return null;
    if (command.kind !== 'read' && command.kind !== 'write' && command.kind !== 'pair') return null;
    own.clear(args.bytes);
    for (let index = 0; index < count; index++) own.push(args.start(at + index), args.end(at + index));
    transaction.add(command, own);
    at += count;
  }
  return { transaction, watched };
}

function numberArg(args: Args, index: number): number {
  return decodeRoughInteger(args.bytes, args.start(index), args.end(index));
}
