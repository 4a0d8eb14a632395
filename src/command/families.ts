import type { CommandDeclaration } from './command.ts';
import { pubsubCommands } from './connection/pubsub.ts';
import { transactionCommands } from './connection/transactions.ts';
import { expiryCommands } from './expiry.ts';
import { internalCommands } from './internal.ts';
import { jsonChanges } from './json/change.ts';
import { jsonReads } from './json/reads.ts';
import { jsonRemoves } from './json/remove.ts';
import { jsonSets } from './json/set.ts';
import { keyCommands } from './keys.ts';
import { moveCommands } from './moves.ts';
import { numberCommands } from './numbers.ts';
import { scanCommands } from './scan.ts';
import { serverCommands } from './server.ts';
import { setCommands } from './set.ts';
import { stringReads } from './strings-read.ts';
import { stringWrites } from './strings-write.ts';

/** All families in the order of the reference. A new command appears here only if it begins a family. */
export const families: readonly CommandDeclaration[] = [
  ...stringReads,
  ...setCommands,
  ...stringWrites,
  ...numberCommands,
  ...keyCommands,
  ...moveCommands,
  ...expiryCommands,
  ...scanCommands,
  ...jsonReads,
  ...jsonSets,
  ...jsonRemoves,
  ...jsonChanges,
  ...serverCommands,
  ...transactionCommands,
  ...pubsubCommands,
  ...internalCommands,
];
