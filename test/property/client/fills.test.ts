import test from 'ava';
import fc from 'fast-check';
import { plainCodec } from '../../../src/client/codec.ts';
import { ConnectionError } from '../../../src/client/errors.ts';
import { Fills } from '../../../src/client/fill/fills.ts';
import { invalidateOperations } from '../../../src/client/invalidate-operations.ts';
import type { Operation } from '../../../src/client/operation.ts';
import { operations } from '../../../src/client/operations.ts';
import { FakeFillServer, turns } from '../../fake-fill-server.ts';
import { testScale } from '../../scale.ts';

const keys = ['a', 'b'] as const;

const step = fc.record({
  kind: fc.constantFrom('read', 'read', 'read', 'write', 'write', 'fail', 'giveUp'),
  process: fc.nat(1),
  key: fc.constantFrom(...keys),
  /** Turns until the step begins, and that what it does by itself takes. */
  after: fc.nat(3),
  takes: fc.nat(6),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const plan = fc.record({
  /** Whoever runs these runs them one after the other; all run at once. */
  actors: fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }),
  delays: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
});

test('no caller is given a value that was read before a write that had ended when he asked', async (t) => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ actors, delays }) => {
      const server = serverWith(delays);
      const processes = [new Fills(server, plainCodec), new Fills(server, plainCodec)];
      /** What the database has, and what writers have been told is written and invalidated. */
      const database = new Map<string, number>(keys.map((key) => [key, 0]));
      const ended = new Map<string, number>(keys.map((key) => [key, 0]));

      const read = async ({ process, key, takes }: Step) => {
        const least = ended.get(key) ?? 0;
        const load = async () => {
          const version = database.get(key) ?? 0;
          await turns(takes);
          return version;
        };
        // Whoever joins one whose loader fails, fails with him.
        const version = await (processes[process] as Fills).getOrSet(key, load, {}).catch(() => null);
        if (version !== null && version < least)
          throw new Error(`${key}: ${version} was given after ${least} was written`);
      };

      await Promise.all(
        actors.map(async (steps) => {
          for (const one of steps) {
            const { kind, key, process, after, takes } = one;
            await turns(after);
            if (kind === 'read') await read(one);
            else if (kind === 'write') {
              const version = (database.get(key) ?? 0) + 1;
              database.set(key, version);
              await turns(takes);
              server.entries.delete(key);
              ended.set(key, Math.max(ended.get(key) ?? 0, version));
            } else {
              const controller = new AbortController();
              const fails = async () => {
                await turns(takes);
                throw new Error('no database');
              };
              const call = (processes[process] as Fills).getOrSet<number>(key, fails, { signal: controller.signal });
              if (kind === 'giveUp') void turns(after).then(() => controller.abort());
              // What others loaded may be given in its place.
              await call.catch(() => undefined);
            }
          }
        }),
      );
      for (const process of processes) await process.close();
      while (server.isBusy) await turns(1);
      for (const [key, { token }] of server.entries) if (token !== null) throw new Error(`${key} is left with a token`);
    }),
    { numRuns: Math.ceil(150 * testScale) },
  );
  t.pass();
});

const troubledStep = fc.record({
  kind: fc.constantFrom('read', 'read', 'impatientRead', 'impatientRead', 'write', 'write', 'hold', 'outage'),
  client: fc.nat(1),
  key: fc.constantFrom(...keys),
  /** How a client ends what is in the cache after it has written to the database. */
  ends: fc.constantFrom('delete', 'invalidate'),
  after: fc.nat(3),
  takes: fc.nat(6),
});

const troubledPlan = fc.record({
  actors: fc.array(fc.array(troubledStep, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 }),
  delays: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
});

test('whatever loads without a token, no caller is given a value that was read before a write of his client that had ended', async (t) => {
  await fc.assert(
    fc.asyncProperty(troubledPlan, async ({ actors, delays }) => {
      const server = serverWith(delays);
      const away = new ConnectionError('connection', 'it is gone');
      const database = new Map<string, number>(keys.map((key) => [key, 0]));
      const clients = [0, 1].map(() => ({
        fills: new Fills(server, plainCodec),
        ended: new Map<string, number>(keys.map((key) => [key, 0])),
      }));

      await Promise.all(
        actors.map(async (steps) => {
          for (const { kind, client, key, ends, after, takes } of steps) {
            const { fills, ended } = clients[client] as (typeof clients)[number];
            await turns(after);
            if (kind === 'write') {
              const version = (database.get(key) ?? 0) + 1;
              database.set(key, version);
              const operation: Operation<unknown> =
                ends === 'delete'
                  ? operations.delete([key])
                  : invalidateOperations.invalidate([`tag of ${key}`], false);
              fills.noteWrite(operation);
              await server.run(operation, {});
              fills.noteWrite(operation);
              ended.set(key, Math.max(ended.get(key) ?? 0, version));
            } else if (kind === 'hold') {
              server.take(key);
              await turns(takes);
              server.entries.delete(key);
            } else if (kind === 'outage') {
              server.faults.set('getfill', away).set('set', away);
              await turns(takes);
              server.faults.clear();
              fills.noteConnected();
            } else {
              const least = ended.get(key) ?? 0;
              const load = async () => {
                const version = database.get(key) ?? 0;
                await turns(takes);
                return version;
              };
              const options = { tags: [`tag of ${key}`], ...(kind === 'impatientRead' && { waitMs: 0 }) };
              const version = await fills.getOrSet(key, load, options);
              if (version < least) throw new Error(`${key}: ${version} was given after ${least} was written`);
            }
          }
        }),
      );
      for (const { fills } of clients) await fills.close();
    }),
    { numRuns: Math.ceil(200 * testScale) },
  );
  t.pass();
});

/** Whose requests and answers take so many turns of the event loop, one after the other, over and over again. */
function serverWith(delays: readonly number[]): FakeFillServer {
  const server = new FakeFillServer();
  let requests = 0;
  const nextDelay = () => delays[requests++ % delays.length] ?? 0;
  server.turnsOfRequest = () => 1 + nextDelay();
  server.turnsOfAnswer = nextDelay;
  server.tokenMs = 1;
  return server;
}
