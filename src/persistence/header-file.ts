import { readSync } from 'node:fs';
import { decodeHeader, type FileHeader, HEADER_BYTES, type HeaderFault } from './file-header.ts';

/** The header of an open file, or why what is there is none. */
export function readHeader(fd: number): FileHeader | HeaderFault {
  const bytes = new Uint8Array(HEADER_BYTES);
  return decodeHeader(bytes.subarray(0, readSync(fd, bytes, 0, HEADER_BYTES, 0)));
}
