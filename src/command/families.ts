import { aclCommands } from './administration/acl.ts';
import { clusterCommands } from './administration/cluster.ts';
import { configCommands } from './administration/config.ts';
import { latencyCommands } from './administration/latency.ts';
import { memoryCommands } from './administration/memory.ts';
import { persistenceCommands } from './administration/persistence.ts';
import { processCommands } from './administration/process.ts';
import { slowLogCommands } from './administration/slowlog.ts';
import type { CommandDeclaration } from './command.ts';
import { clientCommands } from './connection/client.ts';
import { handshakeCommands } from './connection/handshake.ts';
import { pubsubCommands } from './connection/pubsub.ts';
import { trackingCommands } from './connection/tracking.ts';
import { transactionCommands } from './connection/transactions.ts';
import { deleteMatchingCommands } from './delmatch.ts';
import { entryCommands } from './entry.ts';
import { expiryCommands } from './expiry.ts';
import { fillCommands } from './fill.ts';
import { internalCommands } from './internal.ts';
import { commandCommands } from './introspection/command.ts';
import { invalidateCommands } from './invalidate.ts';
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
  ...entryCommands,
  ...moveCommands,
  ...expiryCommands,
  ...scanCommands,
  ...fillCommands,
  ...invalidateCommands,
  ...deleteMatchingCommands,
  ...jsonReads,
  ...jsonSets,
  ...jsonRemoves,
  ...jsonChanges,
  ...serverCommands,
  ...commandCommands,
  ...configCommands,
  ...slowLogCommands,
  ...latencyCommands,
  ...memoryCommands,
  ...aclCommands,
  ...clusterCommands,
  ...processCommands,
  ...persistenceCommands,
  ...handshakeCommands,
  ...clientCommands,
  ...trackingCommands,
  ...transactionCommands,
  ...pubsubCommands,
  ...internalCommands,
];
