/** Values that prove themselves: a length, the key's number and a checksum over all, filled with bytes that follow. */
export const CHECKED_BYTES_MIN = 16;

export function writeKey(target: Buffer, number: number): number {
  return target.write(`key:${number}`, 0, 'latin1');
}

/** Fills `target[0..length)` with a value for key `number`. */
export function writeChecked(target: Buffer, length: number, number: number, seed: number): void {
  let state = (Math.imul(seed, 0x9e37_79b1) ^ number) | 0;
  target.writeInt32LE(length, 0);
  target.writeInt32LE(number, 4);
  target.writeInt32LE(seed | 0, 8);
  for (let i = CHECKED_BYTES_MIN; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    target[i] = state >>> 24;
  }
  target.writeInt32LE(checksum(target, length), 12);
}

/** What is wrong with a value read under key `number`; '' when nothing is. */
export function faultOf(value: Buffer, length: number, number: number): string {
  if (length < CHECKED_BYTES_MIN) return `key ${number}: ${length} bytes`;
  if (value.readInt32LE(0) !== length)
    return `key ${number}: written with ${value.readInt32LE(0)} bytes, read ${length}`;
  if (value.readInt32LE(4) !== number) return `key ${number}: the value of key ${value.readInt32LE(4)}`;
  if (value.readInt32LE(12) !== checksum(value, length)) return `key ${number}: a wrong checksum over ${length} bytes`;
  return '';
}

function checksum(bytes: Buffer, length: number): number {
  let sum = bytes.readInt32LE(8);
  for (let i = CHECKED_BYTES_MIN; i < length; i++) sum = (Math.imul(sum, 31) + (bytes[i] as number)) | 0;
  return sum;
}
