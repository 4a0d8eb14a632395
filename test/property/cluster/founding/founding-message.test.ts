import test from 'ava';
import fc from 'fast-check';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import {
  decodeFoundingMessage,
  encodeFoundingMessage,
  type FoundingMessage,
} from '../../../../src/cluster/founding/founding-message.ts';
import { count, nodeId } from '../../../cluster-arbitraries.ts';

const clusterId = fc.stringMatching(/^[\da-f]{40}$/);
const address = fc.string({ maxLength: 40 });
const settings = fc.constantFrom(
  { partitions: 64, leaseMs: 700, copies: 2, minInSync: 1, onLoss: 'offline' } as const,
  { partitions: 1, leaseMs: 100, copies: 7, minInSync: 7, onLoss: 'reset' } as const,
);
const proposal = fc
  .record(
    {
      clusterId,
      boot: count,
      number: fc.integer({ min: 1, max: 9 }),
      settings,
      ids: fc.uniqueArray(nodeId, { minLength: 1, maxLength: 7 }),
    },
    { noNullPrototype: true },
  )
  .map(({ ids, ...rest }) => ({ ...rest, founders: [...ids].sort(), proposer: ids[0] as string }));

const message: fc.Arbitrary<FoundingMessage> = fc.oneof(
  fc
    .tuple(
      fc.nat(7),
      count,
      count,
      fc.boolean(),
      fc.oneof(fc.constant(''), clusterId),
      fc.array(fc.tuple(nodeId, address)),
    )
    .map(([expect, boot, number, isOpen, promised, known]) => ({
      type: 'here' as const,
      expect,
      boot,
      number,
      isOpen,
      promised,
      known: new Map(known),
    })),
  proposal.map((made) => ({ type: 'propose' as const, proposal: made })),
  clusterId.map((id) => ({ type: 'promise' as const, clusterId: id })),
  fc
    .tuple(clusterId, fc.boolean(), fc.string({ maxLength: 100 }))
    .map(([id, isForNow, reason]) => ({ type: 'refuse' as const, clusterId: id, isForNow, reason })),
  fc
    .array(fc.record({ node: nodeId, boot: count, address }, { noNullPrototype: true }), { maxLength: 5 })
    .map((nodes) => ({ type: 'known' as const, nodes })),
);

test('every message comes back as it was sent', (t) => {
  fc.assert(fc.property(message, (sent) => void t.deepEqual(decodeFoundingMessage(encodeFoundingMessage(sent)), sent)));
});

test('bytes that are cut off, changed or any are refused, or are another message', (t) => {
  const read = (bytes: Uint8Array): void => {
    try {
      encodeFoundingMessage(decodeFoundingMessage(bytes));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  fc.assert(
    fc.property(message, fc.nat(), fc.nat(255), (sent, at, value) => {
      const bytes = encodeFoundingMessage(sent);
      t.throws(() => decodeFoundingMessage(bytes.subarray(0, bytes.length - 1)), { instanceOf: DecodeError });
      bytes[at % bytes.length] = value;
      read(bytes);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read));
});
