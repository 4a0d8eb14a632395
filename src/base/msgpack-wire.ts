/**
 * The markers of MessagePack's values (https://github.com/msgpack/msgpack/blob/master/spec.md), and how to look at a
 * value that is known to be whole.
 */

export const Marker = {
  fixMap: 0x80,
  fixArray: 0x90,
  fixStr: 0xa0,
  nil: 0xc0,
  /** No value begins with it. */
  unused: 0xc1,
  false: 0xc2,
  true: 0xc3,
  bin8: 0xc4,
  bin16: 0xc5,
  bin32: 0xc6,
  ext8: 0xc7,
  ext16: 0xc8,
  ext32: 0xc9,
  float32: 0xca,
  float64: 0xcb,
  uint8: 0xcc,
  uint16: 0xcd,
  uint32: 0xce,
  uint64: 0xcf,
  int8: 0xd0,
  int16: 0xd1,
  int32: 0xd2,
  int64: 0xd3,
  fixExt1: 0xd4,
  fixExt16: 0xd8,
  str8: 0xd9,
  str16: 0xda,
  str32: 0xdb,
  array16: 0xdc,
  array32: 0xdd,
  map16: 0xde,
  map32: 0xdf,
  negativeFixInt: 0xe0,
} as const;

/** What a marker begins, as far as whoever takes values tells them apart. */
export const WireKind = { nil: 0, boolean: 1, number: 2, str: 3, bin: 4, array: 5, map: 6, ext: 7, unused: 8 } as const;
export type WireKind = (typeof WireKind)[keyof typeof WireKind];

/** By marker: its kind; bytes of the marker and of the length or number behind it; bytes of a payload without length. */
const kinds = new Uint8Array(256);
const headBytes = new Uint8Array(256);
/** By marker: where a number is said by the marker itself; -1 where bytes behind it say it, or there is none. */
const counts = new Int16Array(256).fill(-1);

for (let marker = 0; marker < 256; marker++) {
  headBytes[marker] = 1;
  if (marker < Marker.fixMap || marker >= Marker.negativeFixInt) kinds[marker] = WireKind.number;
  else if (marker < Marker.fixArray) {
    kinds[marker] = WireKind.map;
    counts[marker] = marker & 0x0f;
  } else if (marker < Marker.fixStr) {
    kinds[marker] = WireKind.array;
    counts[marker] = marker & 0x0f;
  } else if (marker < Marker.nil) {
    kinds[marker] = WireKind.str;
    counts[marker] = marker & 0x1f;
  }
}

function row(first: number, kind: WireKind, ...heads: readonly number[]): void {
  for (const [index, head] of heads.entries()) {
    kinds[first + index] = kind;
    headBytes[first + index] = head;
  }
}
row(Marker.nil, WireKind.nil, 1);
row(Marker.unused, WireKind.unused, 1);
row(Marker.false, WireKind.boolean, 1, 1);
row(Marker.bin8, WireKind.bin, 2, 3, 5);
row(Marker.ext8, WireKind.ext, 2, 3, 5);
row(Marker.float32, WireKind.number, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9);
row(Marker.fixExt1, WireKind.ext, 1, 1, 1, 1, 1);
row(Marker.str8, WireKind.str, 2, 3, 5);
row(Marker.array16, WireKind.array, 3, 5);
row(Marker.map16, WireKind.map, 3, 5);

export function kindOf(marker: number): WireKind {
  return kinds[marker] as WireKind;
}

/** Bytes of a marker with the number or length that follows it: of a number, all of it. */
export function headBytesOf(marker: number): number {
  return headBytes[marker] as number;
}

/**
 * Bytes of the payload of a str, bin or ext (its type byte included), elements of an array, pairs of a map; 0 for all
 * else. The value's head must be whole.
 */
export function countAt(bytes: Uint8Array, at: number): number {
  const marker = bytes[at] as number;
  const known = counts[marker] as number;
  if (known >= 0) return known;
  switch (marker) {
    case Marker.bin8:
    case Marker.str8:
      return bytes[at + 1] as number;
    case Marker.bin16:
    case Marker.str16:
    case Marker.array16:
    case Marker.map16:
      return uint16At(bytes, at + 1);
    case Marker.bin32:
    case Marker.str32:
    case Marker.array32:
    case Marker.map32:
      return uint32At(bytes, at + 1);
    case Marker.ext8:
      return (bytes[at + 1] as number) + 1;
    case Marker.ext16:
      return uint16At(bytes, at + 1) + 1;
    case Marker.ext32:
      return uint32At(bytes, at + 1) + 1;
    default:
      return marker >= Marker.fixExt1 && marker <= Marker.fixExt16 ? 1 + (1 << (marker - Marker.fixExt1)) : 0;
  }
}

/** Where the whole value that begins at `at` ends. */
export function skipValue(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let pending = 1; pending > 0; pending--) {
    const marker = bytes[at] as number;
    const count = countAt(bytes, at);
    at += headBytesOf(marker);
    switch (kinds[marker]) {
      case WireKind.array:
        pending += count;
        break;
      case WireKind.map:
        pending += count * 2;
        break;
      default:
        at += count;
    }
  }
  return at;
}

export function uint16At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | (uint16At(bytes, at + 1) << 8) | (bytes[at + 3] as number)) >>> 0;
}

const float = new DataView(new ArrayBuffer(8));

function doubleAt(bytes: Uint8Array, at: number, count: number): number {
  for (let index = 0; index < count; index++) float.setUint8(index, bytes[at + index] as number);
  return count === 4 ? float.getFloat32(0) : float.getFloat64(0);
}

/** The whole number or float at `at`; a bigint only where a double would round. */
export function numberAt(bytes: Uint8Array, at: number): number | bigint {
  const marker = bytes[at] as number;
  switch (marker) {
    case Marker.float32:
      return doubleAt(bytes, at + 1, 4);
    case Marker.float64:
      return doubleAt(bytes, at + 1, 8);
    case Marker.uint8:
      return bytes[at + 1] as number;
    case Marker.uint16:
      return uint16At(bytes, at + 1);
    case Marker.uint32:
      return uint32At(bytes, at + 1);
    case Marker.int8:
      return ((bytes[at + 1] as number) << 24) >> 24;
    case Marker.int16:
      return (uint16At(bytes, at + 1) << 16) >> 16;
    case Marker.int32:
      return uint32At(bytes, at + 1) | 0;
    case Marker.uint64:
    case Marker.int64: {
      const low = uint32At(bytes, at + 5);
      const unsigned = uint32At(bytes, at + 1);
      const high = marker === Marker.int64 ? unsigned | 0 : unsigned;
      const value = high * 2 ** 32 + low;
      return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) + BigInt(low);
    }
    default:
      return marker < Marker.fixMap ? marker : marker - 256;
  }
}

/** The value at `at` as the id of a request; -1 when it is none. The value must be whole. */
export function idAt(bytes: Uint8Array, at: number): number {
  const marker = bytes[at] as number;
  const isInteger = marker < Marker.fixMap || (marker >= Marker.uint8 && marker <= Marker.int64);
  if (!isInteger) return -1;
  const value = numberAt(bytes, at);
  return typeof value === 'number' && value >= 0 && value <= 2 ** 32 - 1 ? value : -1;
}
