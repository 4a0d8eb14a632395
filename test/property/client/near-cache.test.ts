import test from 'ava';
import fc from 'fast-check';
import { NearCacheWorld, worldKeys, worldTags } from '../../near-cache-world.ts';
import { testScale } from '../../scale.ts';

const limits = { entriesMax: 2, bytesMax: 1 << 20, ttlMax: 5000, silenceMax: 30 };

/** What happens next, and how often of all: most of it is messages on their way. */
const kinds = [
  ...Array<'get'>(40).fill('get'),
  ...Array<'arrive'>(14).fill('arrive'),
  ...Array<'run'>(14).fill('run'),
  ...Array<'answer'>(14).fill('answer'),
  ...Array<'deliver'>(18).fill('deliver'),
  ...Array<'write'>(6).fill('write'),
  ...([
    'remove',
    'invalidate',
    'invalidate',
    'clear',
    'advance',
    'advance',
    'move',
    'learn',
    'learn',
    'cut',
    'hold',
  ] as const),
] as const;

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  client: fc.nat(1),
  wire: fc.nat(3),
  key: fc.constantFrom(...worldKeys),
  tags: fc.subarray([...worldTags]),
  number: fc.nat(60),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const stepOf = (kind: Step['kind'], number = 0): Step => ({ kind, client: 0, wire: 0, key: 'a', tags: [], number });
/** What was read is on its way while its half of the keys moves, is written, and moves back. */
const movedAwayAndBack = [
  ...[stepOf('get'), stepOf('arrive'), stepOf('run'), stepOf('answer'), stepOf('move', 31), stepOf('write')],
  ...[stepOf('learn'), stepOf('move', 45), stepOf('learn'), stepOf('deliver'), stepOf('get')],
];

test('no client is given a value older than an invalidation that has arrived; in the end all agree', async (t) => {
  let hits = 0;
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2),
      fc.noBias(fc.array(step, { maxLength: 400, size: 'max' })),
      async (poolSize, steps) => {
        const world = new NearCacheWorld(2, poolSize, limits);
        await world.settle();
        for (const { kind, client: index, wire: at, key, tags, number } of steps) {
          const client = world.clients[index];
          if (client === undefined) continue;
          switch (kind) {
            case 'get':
              world.get(client, key, at);
              break;
            case 'arrive':
            case 'run':
            case 'answer':
            case 'deliver':
              for (let count = 1 + (number % 4); count > 0; count--) world.proceed(kind, number + count);
              break;
            case 'write':
              world.write(key, tags, number % 3 === 0 ? number : 0);
              break;
            case 'remove':
              world.remove(key);
              break;
            case 'invalidate':
              world.invalidate(tags[0] ?? 'x');
              break;
            case 'clear':
              world.clear();
              break;
            case 'advance':
              world.advance(number % 25);
              break;
            case 'move':
              world.move(number % 2 === 0 ? 0 : 1);
              break;
            case 'learn':
              world.learnMap(client);
              break;
            case 'cut':
              world.cut(client, at);
              break;
            case 'hold':
              world.hold(client, at);
              break;
          }
          // Promises of what was delivered.
          await null;
          await null;
        }
        await world.settle();
        // Everybody reads everything, and is asked whether he is there.
        for (const client of world.clients) for (const key of worldKeys) world.get(client, key, 0);
        world.advance(1);
        await world.settle();
        kept += world.checkAgreement();
        hits += world.hits;
        if (world.faults.length > 0) throw new Error(world.faults.slice(0, 5).join('\n'));
      },
    ),
    { numRuns: Math.ceil(400 * testScale), examples: [[1, movedAwayAndBack]] },
  );
  t.true(hits > 500 * testScale, `caches answered: ${hits}`);
  t.true(kept > 500 * testScale, `caches kept something to the end: ${kept}`);
});
