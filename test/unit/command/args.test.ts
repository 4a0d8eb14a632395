import test from 'ava';
import { Args } from '../../../src/command/args.ts';

for (const [kind, make] of [
  ['an array', (text: string) => new TextEncoder().encode(text)],
  ['a Buffer', (text: string) => Buffer.from(text)],
] as const) {
  test(`a copy of an argument stays as it is when ${kind} behind it is used again, a view does not`, (t) => {
    const bytes = make('SET key value');
    const args = new Args();
    args.clear(bytes);
    args.push(4, 7);
    const copy = args.copy(0);
    const view = args.view(0);
    bytes.fill(0x78);
    t.is(Buffer.from(copy).toString(), 'key');
    t.is(Buffer.from(view).toString(), 'xxx');
    t.is(copy.byteOffset, 0, 'memory of its own');
    t.is(copy.buffer.byteLength, 3);
  });
}
