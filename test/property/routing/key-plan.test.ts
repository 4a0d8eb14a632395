import test from 'ava';
import fc from 'fast-check';
import { crc16, slotOf } from '../../../src/base/slot.ts';
import { Args } from '../../../src/command/args.ts';
import { KeyPlan } from '../../../src/routing/key-plan.ts';
import { PartitionMap } from '../../../src/routing/partition-map.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

function argsOf(texts: readonly string[]): Args {
  const bytes = Buffer.from(texts.join(''), 'latin1');
  const args = new Args();
  args.clear(bytes);
  let at = 0;
  for (const text of texts) {
    args.push(at, at + text.length);
    at += text.length;
  }
  return args;
}

const textsOf = (args: Args): string[] =>
  Array.from({ length: args.count }, (_, index) => Buffer.from(args.view(index)).toString('latin1'));

test('the parts of a plan hold every key group once, in order, each on the shard of its key', (t) => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '{', '}', '1'), maxLength: 6 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(key, { maxLength: 2 }),
      fc.array(key, { maxLength: 200 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(key, { maxLength: 2 }),
      (shards, before, keys, step, after) => {
        const map = new PartitionMap(64, shards);
        const plan = new KeyPlan(map);
        const texts = [...before];
        for (const [index, text] of keys.entries()) {
          texts.push(text);
          for (let extra = 1; extra < step; extra++) texts.push(`${index}+${extra}`);
        }
        texts.push(...after);
        const args = argsOf(texts);
        // Filled twice: what the first command left behind must not show.
        plan.fill(argsOf(['x', 'y', 'z', 'xx', 'yy']), 0, 4, 1);
        plan.fill(args, before.length, before.length + (keys.length - 1) * step, step);

        t.is(plan.groupCount, keys.length);
        const seen: number[] = [];
        const part = new Args();
        for (let number = 0; number < plan.partCount; number++) {
          const groups = Array.from({ length: plan.sizeOf(number) }, (_, index) => plan.groupOf(number, index));
          t.true(groups.length > 0);
          t.deepEqual(
            groups,
            groups.toSorted((left, right) => left - right),
          );
          plan.argsOf(number, args, part);
          const expected = [...before];
          for (const group of groups) {
            const text = keys[group] as string;
            t.is(map.shardOfKey(Buffer.from(text), 0, text.length), plan.shardOf(number));
            t.is(plan.partOf(group), number);
            expected.push(...texts.slice(before.length + group * step, before.length + (group + 1) * step));
          }
          t.deepEqual(textsOf(part), [...expected, ...after]);
          seen.push(...groups);
        }
        t.deepEqual(
          seen.toSorted((left, right) => left - right),
          keys.map((_, index) => index),
        );
        t.is(new Set(Array.from({ length: plan.partCount }, (_, number) => plan.shardOf(number))).size, plan.partCount);
      },
    ),
    { numRuns: 300 * scale },
  );
});

test('the slot of any key is the CRC16 of its tag, or of all of it', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '{', '}'), maxLength: 12 }),
      fc.nat({ max: 5 }),
      (key, shift) => {
        const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
        const source = Buffer.from('{'.repeat(shift) + key + '}'.repeat(shift), 'latin1');
        t.is(slotOf(source, shift, shift + key.length), crc16(Buffer.from(tag), 0, tag.length) % 16_384);
      },
    ),
    { numRuns: 2000 * scale },
  );
});
