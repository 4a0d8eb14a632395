import test from 'ava';
import fc from 'fast-check';
import { IdsInFlight } from '../../../../src/server/rpc/ids-in-flight.ts';
import { KeptInput } from '../../../../src/server/rpc/kept-input.ts';

test('what is kept is what was added and not yet taken, whatever the sizes', (t) => {
  const size = fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 5000 }), fc.nat({ max: 300_000 }));
  const step = fc.record({
    connection: fc.nat({ max: 1 }),
    added: size,
    taken: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      // Two connections in turns: they share a buffer.
      const inputs = [new KeptInput(), new KeptInput()];
      const wanted = [Buffer.alloc(0), Buffer.alloc(0)];
      let next = 0;
      for (const { connection, added, taken } of steps) {
        const input = inputs[connection] as KeptInput;
        const piece = Buffer.alloc(added);
        for (let at = 0; at < added; at++) piece[at] = next++ & 0xff;
        if (added > 0) input.add(piece);
        const all = Buffer.concat([wanted[connection] as Buffer, piece]);
        if (!all.equals(input.bytes.subarray(input.start, input.end))) return false;
        const count = Math.floor(all.length * taken);
        input.start += count;
        input.settle();
        wanted[connection] = all.subarray(count);
      }
      return inputs.every(
        (input, index) =>
          input.length === wanted[index]?.length && wanted[index]?.equals(input.bytes.subarray(input.start, input.end)),
      );
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('an id is in flight from when it is added until it is deleted', (t) => {
  const id = fc.oneof(fc.nat({ max: 600 }), fc.constantFrom(2 ** 32 - 1, 2 ** 32 - 256, 256, 512));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 200 }), (steps) => {
      const ids = new IdsInFlight();
      const model = new Set<number>();
      for (const [isAdded, number] of steps) {
        if (ids.has(number) !== model.has(number)) return false;
        if (isAdded && ids.add(number) === model.has(number)) return false;
        if (isAdded) model.add(number);
        else {
          ids.delete(number);
          model.delete(number);
        }
      }
      return [...model].every((number) => ids.has(number));
    }),
  );
  t.pass();
});
