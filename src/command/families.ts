import type { CommandDeclaration } from './command.ts';
import { expiryCommands } from './expiry.ts';
import { internalCommands } from './internal.ts';
import { jsonReads } from './json/reads.ts';
import { jsonWrites } from './json/writes.ts';
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
  ...jsonWrites,
  ...serverCommands,
  ...internalCommands,
];
