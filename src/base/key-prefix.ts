/**
 * Where the prefix of the key `bytes[start..end)` ends: behind the first separator, which is a part of the prefix
 * (`user:42` with `:` has `user:`). `start` when it has none, or one longer than {@link PREFIX_BYTES_MAX}.
 */
export function prefixEnd(bytes: Uint8Array, start: number, end: number, separator: Uint8Array): number {
  const last = Math.min(end, start + PREFIX_BYTES_MAX) - separator.length;
  const first = separator[0];
  for (let at = start; at <= last; at++) {
    if (bytes[at] === first && startsWith(bytes, at, end, separator)) return at + separator.length;
  }
  return start;
}

/** Whether the key `bytes[start..end)` begins with `prefix`. */
export function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false;
  return true;
}

export const PREFIX_BYTES_MAX = 128;
