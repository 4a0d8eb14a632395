import test from 'ava';
import fc from 'fast-check';
import { OutputBuffer, OutputPool } from '../../../../src/server/tcp/output-buffer.ts';

test('what is written is handed over in order and whole, whether or not the pieces are used again', (t) => {
  const write = fc.record({
    bytes: fc.integer({ min: 0, max: 200_000 }),
    back: fc.integer({ min: 0, max: 20 }),
    drains: fc.boolean(),
    isTaken: fc.boolean(),
  });
  const pool = new OutputPool();
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), (writes) => {
      const output = new OutputBuffer(pool);
      const expected: Buffer[] = [];
      const sent: Buffer[] = [];
      const kept: { bytes: Uint8Array; copy: Buffer }[] = [];
      let mark = 0;
      const drain = (isTaken: boolean): void => {
        output.drain((bytes) => {
          const copy = Buffer.from(bytes);
          sent.push(copy);
          if (!isTaken) kept.push({ bytes, copy });
          return isTaken;
        });
        t.is(output.length, 0);
      };
      for (const { bytes, back, drains, isTaken } of writes) {
        const at = output.reserve(bytes);
        const stays = bytes - Math.min(back, bytes);
        mark = (mark + 1) & 0xff;
        output.bytes.fill(mark, at, at + bytes);
        output.giveBack(bytes - stays);
        expected.push(Buffer.alloc(stays, mark));
        if (drains) drain(isTaken);
      }
      drain(true);
      t.true(Buffer.concat(sent).equals(Buffer.concat(expected)));
      // A piece that a socket still reads from was not written to.
      for (const { bytes, copy } of kept) t.true(copy.equals(bytes));
    }),
    { numRuns: 200 },
  );
});

test('a connection that has sent what it had holds no memory for output', (t) => {
  const output = new OutputBuffer(new OutputPool());
  output.reserve(10);
  output.drain(() => true);
  t.is(output.bytes.length, 0);
});
