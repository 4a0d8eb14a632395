import type { FileKind } from './file-header.ts';

/** Names of the files in a shard's directory: `log-` or `snapshot-`, and a sequence in 16 digits. */
const NAME = /^(log|snapshot)-(\d{16})\.(fxl|fxs)$/;
const DIGITS = 16;

export function logName(sequence: number): string {
  return `log-${String(sequence).padStart(DIGITS, '0')}.fxl`;
}

export function snapshotName(sequence: number): string {
  return `snapshot-${String(sequence).padStart(DIGITS, '0')}.fxs`;
}

const UNFINISHED_END = '.tmp';

/** What a file not yet finished is called; whoever finds one removes it. */
export function unfinished(name: string): string {
  return `${name}${UNFINISHED_END}`;
}

/** Whether it is a data file that was never finished. */
export function isUnfinished(name: string): boolean {
  return name.endsWith(UNFINISHED_END) && readName(name.slice(0, -UNFINISHED_END.length)) !== null;
}

/** Null: the name is none of a data file. */
export function readName(name: string): { kind: FileKind; sequence: number } | null {
  const [, kind, digits, end] = NAME.exec(name) ?? [];
  if (kind === 'log' && end === 'fxl') return { kind, sequence: Number(digits) };
  if (kind === 'snapshot' && end === 'fxs') return { kind, sequence: Number(digits) };
  return null;
}

/** What `shardFolder` gives. */
export const SHARD_FOLDER = /^shard-\d{3,}$/;

/** Names of those that are folders of shards: others may have put something beside them. */
export function shardFoldersIn(entries: readonly { readonly name: string; isDirectory(): boolean }[]): string[] {
  return entries.filter((entry) => entry.isDirectory() && SHARD_FOLDER.test(entry.name)).map(({ name }) => name);
}

/** The directory of one shard in the directory of the node. */
export function shardFolder(shard: number): string {
  return `shard-${String(shard).padStart(3, '0')}`;
}
