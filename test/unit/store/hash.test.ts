import test from 'ava';
import { KeyHasher } from '../../../src/store/hash.ts';

/** HalfSipHash as its specification words it, with the rounds as parameters. */
function halfSipHash(
  compressions: number,
  finalizations: number,
  key: readonly [number, number],
  bytes: Uint8Array,
): number {
  const v = new Uint32Array([key[0], key[1], 0x6c79_6765 ^ key[0], 0x7465_6462 ^ key[1]]) as Uint32Array & number[];
  const rotate = (x: number, by: number): number => ((x << by) | (x >>> (32 - by))) >>> 0;
  const round = (): void => {
    v[0] = (v[0] as number) + (v[1] as number);
    v[1] = rotate(v[1] as number, 5) ^ (v[0] as number);
    v[0] = rotate(v[0] as number, 16);
    v[2] = (v[2] as number) + (v[3] as number);
    v[3] = rotate(v[3] as number, 8) ^ (v[2] as number);
    v[0] = (v[0] as number) + (v[3] as number);
    v[3] = rotate(v[3] as number, 7) ^ (v[0] as number);
    v[2] = (v[2] as number) + (v[1] as number);
    v[1] = rotate(v[1] as number, 13) ^ (v[2] as number);
    v[2] = rotate(v[2] as number, 16);
  };
  const padded = new DataView(new ArrayBuffer((bytes.length & ~3) + 4));
  bytes.forEach((byte, at) => {
    padded.setUint8(at, byte);
  });
  padded.setUint8(padded.byteLength - 1, bytes.length);
  for (let at = 0; at < padded.byteLength; at += 4) {
    const word = padded.getUint32(at, true);
    v[3] = (v[3] as number) ^ word;
    for (let i = 0; i < compressions; i++) round();
    v[0] = (v[0] as number) ^ word;
  }
  v[2] = (v[2] as number) ^ 0xff;
  for (let i = 0; i < finalizations; i++) round();
  return ((v[1] as number) ^ (v[3] as number)) | 0;
}

const KEY = [0x0302_0100, 0x0706_0504] as const;

test('the reference of this test gives the published HalfSipHash-2-4 vectors', (t) => {
  t.is(halfSipHash(2, 4, KEY, new Uint8Array(0)) >>> 0, 0x5b9f_35a9);
  t.is(halfSipHash(2, 4, KEY, new Uint8Array([0])) >>> 0, 0xb85a_4727);
});

test('keys of every length and alignment are hashed as HalfSipHash-1-3 says', (t) => {
  const hasher = new KeyHasher(KEY[0], KEY[1]);
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 151 + 7) & 255);
  for (let length = 0; length < 70; length++) {
    for (let start = 0; start < 5; start++) {
      const expected = halfSipHash(1, 3, KEY, bytes.subarray(start, start + length));
      t.is(hasher.hash(bytes, start, start + length), expected);
    }
  }
});

test('a hash of stored words equals the hash of the bytes they came from', (t) => {
  const hasher = new KeyHasher(1, 2);
  const bytes = Buffer.from('a key of some thirty-three bytes.');
  const hash = hasher.hash(bytes, 0, bytes.length);
  const stored = new Int32Array(40);
  stored.set(hasher.words.subarray(0, 9), 7);
  t.is(hasher.hashWords(stored, 7, bytes.length), hash);
});

test('another secret gives other hashes', (t) => {
  const bytes = Buffer.from('key');
  t.not(new KeyHasher(1, 2).hash(bytes, 0, 3), new KeyHasher(1, 3).hash(bytes, 0, 3));
});
