import { allOf, into, outOf } from './fault-table.ts';
import { PoliteClient } from './polite-client.ts';
import { SteadyWriters } from './steady-writers.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  readonly text: string;
  readonly run: (world: World) => Promise<void>;
}

/** Once a lease has ended, commands wait for 100 ms more; and a busy machine takes its time to notice. */
const NOTICED_MS = 500;
const WELL_MS = 90_000;
/** With everybody else there: a failover, and what else this machine has to do. */
const SERVICE_MS = 8000;

/** What is played, in the order of the first time. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'kill',
    text: 'a node is killed and started again, empty',
    run: async (world) => {
      const name = world.anyNode();
      await world.sleep(500);
      await world.killAndMeasure(name);
      await world.sleep(world.random.integer(0, 2000));
      await world.cluster.startNode(name);
    },
  },
  {
    name: 'pause',
    text: 'a node is stopped for a while (SIGSTOP) and goes on',
    run: async (world) => {
      const name = world.anyNode();
      world.cluster.pause(name);
      await world.expectService(SERVICE_MS + 2 * world.leaseMs);
      await world.sleep(world.random.pick([500, 2000, 5000]));
      world.cluster.resume(name);
      await world.sleep(1000);
    },
  },
  {
    name: 'isolate',
    text: 'a node is cut off from the others, which go on without it; it refuses everything',
    run: async (world) => {
      const name = world.anyNode();
      world.cluster.table.set(allOf(name, world.cluster.names), { kind: world.random.pick(['hold', 'cut'] as const) });
      await world.sleep(world.leaseMs + NOTICED_MS);
      await world.expectRefusal(name);
      await world.sleep(world.random.integer(500, 4000));
      await world.expectRefusal(name);
    },
  },
  {
    name: 'rolling',
    text: 'each node is stopped by SIGTERM and started again; no request fails twice, nor any of a pipeline elsewhere',
    run: async (world) => {
      const client = new PoliteClient(world.cluster);
      const running = client.run();
      for (const name of world.random.shuffled(world.cluster.running)) {
        const others = world.cluster.running.filter((other) => other !== name);
        const writers = await SteadyWriters.start(world.cluster, others);
        await world.cluster.terminate(name);
        await writers.stop();
        world.say(`  ${name}: ${writers.count} writes elsewhere, ${writers.refused} not run`);
        await world.cluster.startNode(name);
        await world.cluster.isWell(WELL_MS);
      }
      client.stop();
      await running;
      world.say(`  ${client.count} requests, ${client.retries} tried twice`);
    },
  },
  {
    name: 'one-way',
    text: 'a node hears nothing, or is not heard',
    run: async (world) => {
      const name = world.anyNode();
      const flows = world.random.chance(0.5) ? into : outOf;
      world.cluster.table.set(flows(name, world.cluster.names), { kind: 'hold' });
      await world.sleep(world.random.integer(1500, 5000));
    },
  },
  {
    name: 'join',
    text: 'a node joins, gets its share, and leaves again',
    run: async (world) => {
      const name = await world.cluster.join();
      await world.cluster.isWell(WELL_MS);
      const joined = (await world.cluster.report(name))?.nodes.find(({ isSelf }) => isSelf);
      if ((joined?.placed ?? 0) === 0) throw new Error(`${name} has joined and got no copies`);
      const other = world.random.pick(world.cluster.running.filter((candidate) => candidate !== name));
      await world.cluster.control(other, 'remove', { node: `${name}-` });
      const endMs = performance.now() + WELL_MS;
      for (;;) {
        const report = await world.cluster.report(other);
        if (report !== null && !report.nodes.some(({ id }) => id.startsWith(`${name}-`))) break;
        if (performance.now() > endMs) throw new Error(`${name} was not removed: ${JSON.stringify(report?.lacks)}`);
        await world.sleep(50);
      }
      await world.cluster.kill(name);
      await world.cluster.leave(name);
    },
  },
  {
    name: 'pair',
    text: 'two nodes do not hear each other, but both hear the third',
    run: async (world) => {
      const [one = '', two = ''] = world.random.shuffled(world.cluster.running);
      world.cluster.table.set(
        [
          [one, two],
          [two, one],
        ],
        { kind: world.random.pick(['hold', 'cut'] as const) },
      );
      await world.sleep(world.random.integer(1500, 5000));
    },
  },
  {
    name: 'flapping',
    text: 'the links of a node break and come back again and again',
    run: async (world) => {
      const flows = allOf(world.anyNode(), world.cluster.names);
      for (let times = world.random.integer(4, 12); times > 0; times--) {
        world.cluster.table.set(flows, { kind: world.random.pick(['cut', 'hold'] as const) });
        await world.sleep(world.random.integer(50, 900));
        world.cluster.table.heal();
        await world.sleep(world.random.integer(50, 900));
      }
    },
  },
  {
    name: 'slow',
    text: 'everything to and from a node is late, or trickles',
    run: async (world) => {
      const slow = world.random.chance(0.6)
        ? ({ kind: 'delay', ms: world.random.integer(20, 300) } as const)
        : ({ kind: 'trickle', bytesPerS: world.random.integer(2000, 50_000) } as const);
      world.cluster.table.set(allOf(world.anyNode(), world.cluster.names), slow);
      await world.sleep(world.random.integer(2000, 5000));
    },
  },
  {
    name: 'half-open',
    text: 'a node dies without its connections being closed, and comes back',
    run: async (world) => {
      const name = world.anyNode();
      world.cluster.table.set(allOf(name, world.cluster.names), { kind: 'hold' });
      await world.killAndMeasure(name);
      await world.sleep(1000);
      world.cluster.table.heal();
      await world.cluster.startNode(name);
    },
  },
  {
    name: 'long-pause',
    text: 'a node is stopped for 20 seconds (SIGSTOP) and goes on; nothing stale is read from it',
    run: async (world) => {
      const name = world.anyNode();
      world.cluster.pause(name);
      await world.expectService(SERVICE_MS + 2 * world.leaseMs);
      await world.sleep(20_000);
      world.cluster.resume(name);
      await world.sleep(2000);
    },
  },
  {
    name: 'failover',
    text: 'a node gives its primaries away when it is told to, and takes them back; no request fails twice',
    run: async (world) => {
      const client = new PoliteClient(world.cluster);
      const running = client.run();
      const name = world.anyNode();
      await world.cluster.control(name, 'failover', { node: `${name}-` });
      await world.sleep(2000);
      await world.cluster.control(name, 'undrain', { node: `${name}-` });
      await world.cluster.isWell(WELL_MS);
      client.stop();
      await running;
    },
  },
];
