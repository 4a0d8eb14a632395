import test from 'ava';
import { crc32c, isOneBitOff } from '../../../src/base/crc32c.ts';

const ascii = (text: string) => new TextEncoder().encode(text);

test('known sums are right (RFC 3720, appendix B.4)', (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
  t.is(crc32c(Uint8Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c);
  t.is(crc32c(ascii('123456789')), 0xe3069283);
  t.is(crc32c(new Uint8Array(0)), 0);
});

test('the sum of parts, one after the other, is that of the whole', (t) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => (index * 37) & 0xff);
  for (let cut = 0; cut <= bytes.length; cut++) {
    t.is(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), crc32c(bytes));
  }
});

test('one flipped bit is known as such, wherever it is', (t) => {
  const bytes = Uint8Array.from({ length: 21 }, (_, index) => (index * 91) & 0xff);
  const sum = crc32c(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    t.true(isOneBitOff(sum, crc32c(flipped), bytes.length));
  }
  for (let bit = 0; bit < 32; bit++) t.true(isOneBitOff((sum ^ (1 << bit)) >>> 0, sum, bytes.length));
});

test('no damage, a lost tail of zeros and two flipped bits are not taken for one flipped bit', (t) => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index * 91 + 1);
  const sum = crc32c(bytes);
  t.false(isOneBitOff(sum, sum, bytes.length));
  t.false(isOneBitOff(sum, crc32c(bytes.slice().fill(0, 32)), bytes.length));
  const twice = bytes.slice();
  twice[3] = (twice[3] as number) ^ 0x11;
  t.false(isOneBitOff(sum, crc32c(twice), bytes.length));
});
