import test from 'ava';
import fc from 'fast-check';
import { ValueType } from '../../../src/base/view.ts';
import { Args } from '../../../src/command/args.ts';
import type { Gather } from '../../../src/command/command.ts';
import { ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import { gatherReplies } from '../../../src/routing/gather.ts';
import { KeyPlan } from '../../../src/routing/key-plan.ts';
import { PartitionMap } from '../../../src/routing/partition-map.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

function argsOf(texts: readonly string[]): Args {
  const bytes = Buffer.from(texts.join(''));
  const args = new Args();
  args.clear(bytes);
  let at = 0;
  for (const text of texts) {
    args.push(at, at + Buffer.byteLength(text));
    at += Buffer.byteLength(text);
  }
  return args;
}

/** What a shard answers to the keys it is given, for each way of gathering; keys that begin with `!` are refused. */
function answer(gather: Gather, args: Args, reply: ReplyWriter): void {
  const keys = Array.from({ length: args.count }, (_, index) => Buffer.from(args.view(index)).toString());
  const refused = keys.find((key) => key.startsWith('!'));
  if (refused !== undefined) {
    reply.error('wrong-type', refused.length > 1 ? 'long' : 'short');
    return;
  }
  if (gather === 'sum') {
    reply.integer(keys.reduce((sum, key) => sum + key.length, 0));
    return;
  }
  if (gather === 'all-ok') {
    reply.ok();
    return;
  }
  reply.array(keys.length);
  for (const key of keys) {
    // Elements of every shape, nested ones too.
    switch (key.length % 5) {
      case 0:
        reply.null();
        break;
      case 1:
        reply.bulk(ValueType.json, Buffer.from(key), 0, Buffer.byteLength(key));
        break;
      case 2:
        reply.array(2);
        reply.integer(key.length);
        reply.map(1);
        reply.status('k');
        reply.double(0.5);
        break;
      case 3:
        reply.int64(2n ** 62n + BigInt(key.length));
        break;
      default:
        reply.array(0);
    }
  }
}

const written = (writer: ReplyWriter): string => Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');

for (const gather of ['sum', 'by-key', 'all-ok'] as const) {
  test(`'${gather}' over any number of shards gives the answer of a single shard`, (t) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'ü', '7'), maxLength: 9 }), {
          minLength: 1,
          maxLength: 60,
        }),
        (shards, keys) => {
          const args = argsOf(keys);
          const whole = new ReplyWriter();
          answer(gather, args, whole);

          const plan = new KeyPlan(new PartitionMap(64, shards));
          plan.fill(args, 0, args.count - 1, 1);
          const part = new Args();
          const replies = Array.from({ length: plan.partCount }, (_, number) => {
            plan.argsOf(number, args, part);
            const writer = new ReplyWriter();
            answer(gather, part, writer);
            const reader = new ReplyReader();
            reader.openWritten(writer);
            return reader;
          });
          const gathered = new ReplyWriter();
          gatherReplies(gather, plan, replies, plan.partCount, gathered);
          t.is(written(gathered), written(whole));
        },
      ),
      { numRuns: 200 * scale },
    );
  });

  test(`'${gather}': an error of any shard is the reply`, (t) => {
    const keys = ['a', 'b', 'c', 'd', '!', 'e', 'f'];
    const args = argsOf(keys);
    const plan = new KeyPlan(new PartitionMap(64, 4));
    plan.fill(args, 0, args.count - 1, 1);
    const part = new Args();
    const replies = Array.from({ length: plan.partCount }, (_, number) => {
      plan.argsOf(number, args, part);
      const writer = new ReplyWriter();
      answer(gather, part, writer);
      const reader = new ReplyReader();
      reader.openWritten(writer);
      return reader;
    });
    t.true(plan.partCount > 1);
    const gathered = new ReplyWriter();
    gatherReplies(gather, plan, replies, plan.partCount, gathered);
    const reader = new ReplyReader();
    reader.openWritten(gathered);
    t.is(reader.errorCode, 'wrong-type');
    t.is(reader.text, 'short');
  });
}
