import { SHARD_FOLDER, shardFolder } from './data-names.ts';
import type { FileHeader, FileKind, HeaderFault } from './file-header.ts';

/** Why a file is not what its name says, as far as its header tells. */
export interface DataFault {
  readonly kind: HeaderFault | 'other-store' | 'other-shard' | 'other-name';
  /** Of what is wrong in the file. */
  readonly offset: number;
  /** For people. */
  readonly says: string;
}

/** What names and manifest tell of a file. */
export interface ExpectedFile {
  readonly storeId: Uint8Array;
  /** Name of the folder that it lies in. */
  readonly folder: string;
  readonly kind: FileKind;
  readonly sequence: number;
}

const words: Readonly<Record<HeaderFault, string>> = {
  'too-short': 'it is shorter than its header',
  'not-ours': 'it is no file of this kind, or its header is damaged',
  'other-format': 'another version of FluxCache wrote it, or its header is damaged',
  damaged: 'its header is damaged',
};

/** The header itself when the file is what it should be, or what is wrong with it. */
export function checkHeader(header: FileHeader | HeaderFault, expected: ExpectedFile): FileHeader | DataFault {
  if (typeof header === 'string') return { kind: header, offset: 0, says: words[header] };
  const { storeId, folder, kind, sequence } = expected;
  if (Buffer.compare(header.storeId, storeId) !== 0) {
    return { kind: 'other-store', offset: 16, says: 'it belongs to another store' };
  }
  // Keys that are not of the shard would be left out.
  if (SHARD_FOLDER.test(folder) && shardFolder(header.shard) !== folder) {
    return { kind: 'other-shard', offset: 8, says: `it belongs to shard ${header.shard}` };
  }
  if (header.kind === kind && header.sequence === sequence) return header;
  const says = `it is the ${header.kind} of number ${header.sequence} under another name`;
  return { kind: 'other-name', offset: 32, says };
}

export function isFault(checked: FileHeader | DataFault): checked is DataFault {
  return 'says' in checked;
}
