import { crc32 } from 'node:zlib';
import { readUint64, writeUint64 } from './uint64.ts';

/**
 * The first {@link HEADER_BYTES} of every file of a store's data, little-endian:
 *
 * | offset | type | what |
 * | --- | --- | --- |
 * | 0 | 8 bytes | `FLUXLOG` or `FLUXSNP`, then {@link FORMAT} |
 * | 8 | uint32 | number of the shard whose data it is |
 * | 12 | uint32 | number of shards there were |
 * | 16 | 16 bytes | id of the store: files of another store are not taken for this one's |
 * | 32 | uint64 | a log's: sequence of its first record; a snapshot's: of the first record that is not in it |
 * | 40 | uint64 | Unix milliseconds at which it was begun |
 * | 48 | uint32 | 1: a log's segment that does not go on where the one before it ends; it counts with a snapshot alone |
 * | 52 | 8 bytes | 0 |
 * | 60 | uint32 | CRC-32 of the 60 bytes before |
 */
export const HEADER_BYTES = 64;
export const FORMAT = 2;
export const STORE_ID_BYTES = 16;

export type FileKind = 'log' | 'snapshot';

export interface FileHeader {
  readonly kind: FileKind;
  readonly shard: number;
  readonly shards: number;
  readonly storeId: Uint8Array;
  readonly sequence: number;
  readonly begunAtMs: number;
  /** Of a log's segment: what lies between the one before and this was lost to the log, and a snapshot has to have it. */
  readonly isAnew: boolean;
}

/** Why bytes are no header. */
export type HeaderFault = 'too-short' | 'not-ours' | 'other-format' | 'damaged';

const names: Readonly<Record<FileKind, string>> = { log: 'FLUXLOG', snapshot: 'FLUXSNP' };
const CRC_AT = HEADER_BYTES - 4;

export function encodeHeader(header: FileHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(names[header.kind], 'latin1'));
  view.setUint8(7, FORMAT);
  view.setUint32(8, header.shard, true);
  view.setUint32(12, header.shards, true);
  bytes.set(header.storeId.subarray(0, STORE_ID_BYTES), 16);
  writeUint64(view, 32, header.sequence);
  writeUint64(view, 40, header.begunAtMs);
  view.setUint32(48, Number(header.isAnew), true);
  view.setUint32(CRC_AT, crc32(bytes.subarray(0, CRC_AT)), true);
  return bytes;
}

export function decodeHeader(bytes: Uint8Array): FileHeader | HeaderFault {
  if (bytes.length < HEADER_BYTES) return 'too-short';
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const name = Buffer.from(bytes.subarray(0, 7)).toString('latin1');
  const kind = (Object.keys(names) as FileKind[]).find((one) => names[one] === name);
  if (kind === undefined) return 'not-ours';
  // Before the checksum: what another version writes may be summed up in another way.
  if (view.getUint8(7) !== FORMAT) return 'other-format';
  if (view.getUint32(CRC_AT, true) !== crc32(bytes.subarray(0, CRC_AT))) return 'damaged';
  return {
    kind,
    shard: view.getUint32(8, true),
    shards: view.getUint32(12, true),
    storeId: bytes.slice(16, 16 + STORE_ID_BYTES),
    sequence: readUint64(view, 32),
    begunAtMs: readUint64(view, 40),
    isAnew: view.getUint32(48, true) === 1,
  };
}
