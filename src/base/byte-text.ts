/** Bytes as a string of one character each, which compares and hashes as they do: the key of a map. */
export function byteText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
