import type { CommandDeclaration } from './command.ts';
import { stringReads } from './strings-read.ts';

/** All families in the order of the reference. A new command appears here only if it begins a family. */
export const families: readonly CommandDeclaration[] = [...stringReads];
