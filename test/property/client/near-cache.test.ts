import test from 'ava';
import fc from 'fast-check';
import { NearCacheWorld, worldKeys, worldTags } from '../../near-cache-world.ts';
import { testScale } from '../../scale.ts';

const limits = { entriesMax: 5, bytesMax: 1 << 20, ttlMax: 5000, silenceMax: 100 };

/** What happens next, and how often of all: most of it is messages on their way. */
const kinds = [
  ...Array<'get'>(8).fill('get'),
  ...Array<'arrive'>(8).fill('arrive'),
  ...Array<'run'>(8).fill('run'),
  ...Array<'answer'>(8).fill('answer'),
  ...Array<'deliver'>(12).fill('deliver'),
  ...Array<'write'>(5).fill('write'),
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
  client: fc.nat(2),
  wire: fc.nat(3),
  key: fc.constantFrom(...worldKeys),
  tags: fc.subarray([...worldTags]),
  number: fc.nat(60),
});

test('no client is given a value older than an invalidation that has arrived; in the end all agree', async (t) => {
  let hits = 0;
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 250 }), async (steps) => {
      const world = new NearCacheWorld(3, limits);
      for (const { kind, client: index, wire: at, key, tags, number } of steps) {
        const client = world.clients[index];
        const wire = client?.wires[at % client.wires.length];
        if (client === undefined || wire === undefined) continue;
        switch (kind) {
          case 'get':
            world.get(client, key, at);
            break;
          case 'arrive':
            world.arrive(wire);
            break;
          case 'run':
            world.run(wire);
            break;
          case 'answer':
            wire.answer(number);
            break;
          case 'deliver':
            world.deliver(client, wire);
            break;
          case 'write':
            world.write(key, tags, number % 3 === 0 ? number * 5 : 0);
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
            world.advance(number);
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
    }),
    { numRuns: Math.ceil(400 * testScale) },
  );
  t.true(hits > 500 * testScale, `caches answered: ${hits}`);
  t.true(kept > 500 * testScale, `caches kept something to the end: ${kept}`);
});
