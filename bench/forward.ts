import { type ChildProcess, fork } from 'node:child_process';
import { emptyClusterState } from '../src/cluster/controller/cluster-state.ts';
import { commandTable } from '../src/command/table.ts';
import { peerLimits } from '../src/server/cluster/peer-limits.ts';
import type { PeerLink } from '../src/server/cluster/peer-link.ts';
import { PeerLinks } from '../src/server/cluster/peer-links.ts';
import { defineBench, numberOption } from './bench.ts';
import { ForwardLoad, type Send, type Taken, taken, valueBytes } from './forward-load.ts';
import type { Report as NodeReport, Order } from './forward-node.ts';
import { interleave, summarize } from './report.ts';

/**
 * What it costs to have a command run by another node: GET and SET over a link between two processes, against the same
 * commands in the process that has the keys. Without a protocol in front, as in `dispatcher`. Processor time is that of
 * both processes.
 */

const depths = [1, 50, 500];

/** The process that has the keys. */
class Owner {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(secret: string): Promise<Owner> {
    const child = fork(new URL('./forward-node.ts', import.meta.url), {
      execArgv: ['--import=tsx'],
      env: { ...process.env, FORWARD_SECRET: secret },
    });
    const report = await nextReport(child);
    if (report.type !== 'ready') throw new Error('the other process did not begin as it should');
    return new Owner(child, report.port);
  }

  async direct(name: 'get' | 'set', count: number, depth: number): Promise<Taken & { readonly wrong: number }> {
    const report = await this.#ask({ type: 'direct', name, count, depth });
    if (report.type !== 'direct') throw new Error('the other process answered something else');
    return { ...report.taken, wrong: report.wrong };
  }

  async processorUs(): Promise<number> {
    const report = await this.#ask({ type: 'usage' });
    if (report.type !== 'usage') throw new Error('the other process answered something else');
    return report.processorUs;
  }

  stop(): void {
    this.#child.disconnect();
  }

  #ask(order: Order): Promise<NodeReport> {
    this.#child.send(order);
    return nextReport(this.#child);
  }
}

function nextReport(child: ChildProcess): Promise<NodeReport> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the other process ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (report) => {
      child.off('exit', onExit);
      resolve(report as NodeReport);
    });
  });
}

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; each measures every kind of work once', default: '7' },
    operations: { doc: 'commands of each kind in a round', default: '100000' },
    quick: { doc: 'one round with few commands, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const operations = options.quick ? 2000 : numberOption('operations', options.operations, 1000);
    const secret = 'a secret';
    const owner = await Owner.start(secret);
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const entry = {
      id: 'owner',
      address: '',
      endpoints: { tcp: '', http: '', link: `127.0.0.1:${owner.port}` },
      boot: 1,
      isFenced: false,
      isDraining: false,
      isLeaving: false,
      life: 'running' as const,
      weight: 1,
      zone: null,
    };
    const state = { ...emptyClusterState, nodes: new Map([['owner', entry]]) };
    const links = new PeerLinks({
      view: { self: 'asker', clusterId: 'c1'.repeat(20), state, onChange: () => () => undefined },
      table: commandTable,
      secret,
      limits: peerLimits,
      log: quiet,
    });
    try {
      await new Promise<void>((resolve) => {
        links.onUp = () => resolve();
      });
      const link = links.target('owner') as PeerLink;
      const send: Send = (command, args, sink) => {
        if (link.prepare(command.id, args, 0) !== 0) throw new Error('the link did not take a command');
        link.commit(sink);
      };
      const loads = { get: new ForwardLoad('get'), set: new ForwardLoad('set') };
      let wrong = 0;
      const samples: Record<string, { perMs: number[]; usEach: number[] }> = {};
      const note = (name: string, count: number, { elapsedMs, processorUs }: Taken): number => {
        samples[name] ??= { perMs: [], usEach: [] };
        samples[name].perMs.push(count / elapsedMs);
        samples[name].usEach.push(processorUs / count);
        return elapsedMs;
      };
      const subjects: Record<string, () => Promise<number>> = {};
      for (const name of ['set', 'get'] as const) {
        for (const depth of depths) {
          const count = depth === 1 ? Math.ceil(operations / 10) : operations;
          const label = `${name.toUpperCase()}, ${depth} under way`;
          subjects[`${label}: forwarded`] = async () => {
            const before = await owner.processorUs();
            loads[name].wrong = 0;
            const here = await taken(() => loads[name].run(send, count, depth));
            wrong += loads[name].wrong;
            const there = (await owner.processorUs()) - before;
            return note(`${label}: forwarded`, count, { ...here, processorUs: here.processorUs + there });
          };
          subjects[`${label}: direct`] = async () => {
            const there = await owner.direct(name, count, depth);
            wrong += there.wrong;
            return note(`${label}: direct`, count, there);
          };
        }
      }
      // Once before it counts, so that everything is compiled, and every key is there.
      await loads.set.run(send, Math.max(operations / 5, 10_000), 500);
      for (const name of ['get', 'set'] as const) await owner.direct(name, operations / 10, 50);
      await interleave(rounds, subjects);
      const table = report.table(`two processes, a link with a secret, values of ${valueBytes} bytes`, [
        { name: 'work' },
        { name: 'k/s', digits: 1 },
        { name: 'processor µs each', digits: 2 },
      ]);
      for (const [name, { perMs, usEach }] of Object.entries(samples)) {
        table.row(name, summarize(perMs), summarize(usEach));
      }
      report.check(wrong === 0, `${wrong} answers were wrong`);
    } finally {
      links.stop();
      owner.stop();
    }
  },
});
