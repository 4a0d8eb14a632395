import test from 'ava';
import fc from 'fast-check';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import { decodeCommand, encodeCommand } from '../../../../src/cluster/controller/command-codec.ts';
import { commandFault } from '../../../../src/cluster/controller/command-fault.ts';
import { decodeState, encodeState } from '../../../../src/cluster/controller/state-codec.ts';
import { command, state } from '../../../cluster-arbitraries.ts';
import { testScale } from '../../../scale.ts';
import { wildCommand } from '../../../wild-commands.ts';

const numRuns = 1000 * testScale;

function refuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return false;
  } catch (error) {
    if (error instanceof DecodeError) return true;
    throw error;
  }
}

test('every command comes back as it was written', (t) => {
  fc.assert(
    fc.property(command, (written) => {
      t.deepEqual(decodeCommand(encodeCommand(written)), written);
    }),
    { numRuns },
  );
});

test('every command, whatever its values, is found at fault or comes back as it was written', (t) => {
  let passed = 0;
  let refused = 0;
  fc.assert(
    fc.property(wildCommand, (written) => {
      if (commandFault(written) !== null) refused++;
      else {
        passed++;
        t.deepEqual(decodeCommand(encodeCommand(written)), written);
      }
    }),
    { numRuns: 4 * numRuns },
  );
  t.true(passed > numRuns / 4 && refused > numRuns / 4, `${passed} passed, ${refused} were refused`);
});

test('every state comes back as it was written', (t) => {
  fc.assert(
    fc.property(state, (written) => {
      const nodes = new Map([...written.nodes].sort(([left], [right]) => (left < right ? -1 : 1)));
      t.deepEqual(decodeState(encodeState(written)), { ...written, nodes });
    }),
    { numRuns: numRuns / 4 },
  );
});

test('equal states have equal bytes, in whichever order their nodes came', (t) => {
  fc.assert(
    fc.property(state, (written) => {
      const reversed = { ...written, nodes: new Map([...written.nodes].reverse()) };
      t.deepEqual(encodeState(reversed), encodeState(written));
      t.deepEqual([...decodeState(encodeState(written)).nodes.keys()], [...written.nodes.keys()].sort());
    }),
    { numRuns: numRuns / 4 },
  );
});

test('commands and states that are cut off are refused, and changed ones do no more than that', (t) => {
  fc.assert(
    fc.property(command, state, fc.nat(), fc.nat(255), (writtenCommand, writtenState, place, byte) => {
      for (const [bytes, decode] of [
        [encodeCommand(writtenCommand), decodeCommand],
        [encodeState(writtenState), decodeState],
      ] as const) {
        t.true(refuses(decode, bytes.subarray(0, place % bytes.length)));
        bytes[place % bytes.length] = byte;
        refuses(decode, bytes);
      }
    }),
    { numRuns: numRuns / 2 },
  );
});
