/** Up to this many bytes a loop (1.3 ns a byte) is faster than `set`, whose view of the source costs 45 ns. */
const LOOP_BYTES_MAX = 32;

/** Copies `source[from..from + count)` to `target[at..at + count)`; the ranges do not overlap. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, at: number, count: number): void {
  if (count <= LOOP_BYTES_MAX) {
    for (let i = 0; i < count; i += 1) target[at + i] = source[from + i] as number;
    return;
  }
  target.set(source.subarray(from, from + count), at);
}

/** The bytes in memory of their own: `slice` would alias those of a Buffer, which is a Uint8Array to the type checker. */
export function copyOf(bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}
