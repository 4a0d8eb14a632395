import test from 'ava';
import fc from 'fast-check';
import { createClient } from '../../../src/index.ts';
import { testScale } from '../../scale.ts';
import { packed, type RpcRequest, startScriptedServer } from '../../scripted-rpc-server.ts';

test('whatever order answers come in, and however they are split, each call gets its own', async (t) => {
  const plan = fc.record({
    count: fc.integer({ min: 1, max: 60 }),
    order: fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
    cuts: fc.array(fc.nat(), { maxLength: 12 }),
  });
  const held: RpcRequest[] = [];
  let onAll: () => void = () => undefined;
  let wanted = 0;
  const server = await startScriptedServer((request) => {
    if (held.push(request) === wanted) onAll();
  });
  t.teardown(() => server.stop());
  const client = createClient({ port: server.port, commandTimeoutMs: 60_000 });
  t.teardown(() => client.destroy());
  await fc.assert(
    fc.asyncProperty(plan, async ({ count, order, cuts }) => {
      held.length = 0;
      wanted = count;
      const arrived = new Promise<void>((resolve) => {
        onAll = resolve;
      });
      const calls = Array.from({ length: count }, (_, index) => client.call('echo', index).then((result) => result));
      await arrived;
      const shuffled = [...held].sort((a, b) => rank(order, a) - rank(order, b));
      // Errors and results mixed.
      const answers = shuffled.map(({ id, params: [index] }) =>
        packed(Number(index) % 5 === 4 ? [1, id, { code: `code ${index}`, message: '' }, null] : [1, id, null, index]),
      );
      const stream = Buffer.concat(answers);
      const places = [...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length];
      const socket = held[0]?.socket;
      let from = 0;
      for (const place of places) {
        // Each piece in a write of its own, so that it tends to arrive by itself.
        await new Promise((resolve) => socket?.write(stream.subarray(from, place), resolve));
        from = place;
      }
      const outcomes = await Promise.allSettled(calls);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') t.is(outcome.value, index);
        else t.is((outcome.reason as { code: string }).code, `code ${index}`);
      }
    }),
    { numRuns: 60 * testScale },
  );
});

function rank(order: readonly number[], { params: [index] }: RpcRequest): number {
  return order[Number(index)] ?? 0;
}
