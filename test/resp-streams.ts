import fc from 'fast-check';

const frames = [
  '*1\r\n$4\r\nPING\r\n',
  '*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n',
  '*2\r\n$4\r\nECHO\r\n$12\r\n123456789012\r\n',
  '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n',
  '*12\r\n$4\r\nnope\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$1\r\n0\r\n$1\r\n.\r\n',
  'PING\r\n',
  'ECHO "a\\x41\\n \\q\\x4" \r\n',
  "ECHO 'it\\'s \\n'\r\n",
  'ECHO a"b c"\n',
  ' ECHO\ta\r\r\n',
  '\r\n',
  '*0\r\n',
  '*-3\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\n\r\n',
  '*1\r\n$5\r\nhost:\r\n',
];
const noise = [
  '*',
  '$',
  '\r',
  '\n',
  '\r\n',
  '"',
  "'",
  '\\',
  '-1',
  '99999999999999999999',
  '+',
  ' ',
  'x',
  '$-1\r\n',
  ':1\r\n',
];
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...frames) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...noise), { maxLength: 5 }).map((parts) => parts.join('')) },
);
/** A byte written over, put in or left out, at a place in thousandths of the stream. */
const damage = fc.record({
  place: fc.integer({ min: 0, max: 999 }),
  kind: fc.constantFrom('over', 'in', 'out'),
  byte: fc.oneof(
    fc.integer({ min: 1, max: 255 }),
    fc.integer({ min: 0x30, max: 0x39 }),
    fc.constantFrom(10, 13, 34, 36, 42),
  ),
});
/** Frames one after the other, half of them with one byte damaged. */
export const requestStream: fc.Arbitrary<string> = fc
  .tuple(fc.array(frame, { minLength: 1, maxLength: 6 }), fc.option(damage))
  .map(([parts, harm]) => (harm === null ? parts.join('') : damaged(parts.join(''), harm)));

function damaged(text: string, { place, kind, byte }: { place: number; kind: string; byte: number }): string {
  const at = Math.floor((place * text.length) / 1000);
  const put = kind === 'out' ? '' : String.fromCharCode(byte);
  return text.slice(0, at) + put + text.slice(kind === 'in' ? at : at + 1);
}
