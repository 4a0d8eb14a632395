import { writeSync } from 'node:fs';

/** Writes all of the bytes, at `position`, or where the file's last write ended. */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let written = 0; written < bytes.length; ) {
    const at = position === null ? null : position + written;
    written += writeSync(fd, bytes, written, bytes.length - written, at);
  }
}
