import test from 'ava';
import { ByteShelf } from '../../../src/base/byte-shelf.ts';

test('copies of any sizes stay as they were, whatever is copied after them', (t) => {
  const shelf = new ByteShelf();
  const sizes = [0, 1, 100, 8191, 8192, 8193, 100_000];
  const copies = Array.from({ length: 60 }, (_, number) => {
    const size = sizes[number % sizes.length] as number;
    const source = new Uint8Array(size + 2).fill(number);
    shelf.copy(source, 1, size + 1);
    source.fill(255);
    return { number, size, bytes: shelf.bytes, words: shelf.words, start: shelf.start };
  });
  for (const { number, size, bytes, words, start } of copies) {
    t.true(bytes.subarray(start, start + size).every((byte) => byte === number));
    if (size > 0) t.is(words.getUint8(start + size - 1), number);
  }
});
