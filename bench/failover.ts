import { connect, type Socket } from 'node:net';
import { ClusterProcesses } from '../test/cluster-processes.ts';
import { defineBench, numberOption } from './bench.ts';
import { type Report, summarize } from './report.ts';
import { respCommand } from './resp-load.ts';

/**
 * How long a key cannot be written when its node is killed: from `kill -9` to the first SET that is acknowledged, as
 * somebody sees it who writes through another node and tries again at once when a write fails. What was acknowledged
 * before must be there afterwards.
 */

/** Of Redis Cluster in its default settings; it is not measured here. */
const REDIS_NODE_TIMEOUT_MS = 15_000;
const HEALED_MS = 60_000;

interface NodeReport {
  readonly id: string;
  readonly endpoints?: { readonly tcp: string };
}

interface ClusterReport {
  readonly lacks: readonly string[];
  readonly nodes: readonly NodeReport[];
}

export const bench = defineBench({
  options: {
    failovers: { doc: 'how many times a node is killed', default: '30' },
    nodes: { doc: 'nodes of the cluster', default: '3' },
    copies: { doc: 'copies of each partition', default: '2' },
    lease: { doc: 'milliseconds that a node counts as alive which is not heard of', default: '700' },
    quick: { doc: 'two failovers, to see that nothing is lost', default: false },
  },
  async run(options, report) {
    const failovers = options.quick ? 2 : numberOption('failovers', options.failovers, 1);
    const lease = numberOption('lease', options.lease, 300);
    const flags = ['--copies', options.copies, '--lease', `${lease}ms`, '--partitions', '16', '--log-level', 'warn'];
    const cluster = await ClusterProcesses.start({ count: numberOption('nodes', options.nodes, 3), flags });
    try {
      await measure(cluster, failovers, lease, report);
    } finally {
      await cluster.end();
    }
  },
});

async function measure(cluster: ClusterProcesses, failovers: number, lease: number, report: Report): Promise<void> {
  const firstMs: number[] = [];
  const unreachableMs: number[] = [];
  let acknowledged = 0;
  for (let round = 0; round < failovers; round++) {
    const victim = cluster.nodes[round % cluster.nodes.length];
    const witness = cluster.nodes[(round + 1) % cluster.nodes.length];
    if (victim === undefined || witness === undefined) throw new Error('the cluster has nodes');
    await healed(witness.url);
    const client = await Client.open(witness.tcpPort);
    const key = await keyOn(client, victim.tcpPort);
    // Somebody writes all the while, as fast as answers come.
    let written = 0;
    for (; written < 100; written++) await client.send('SET', key, String(written));
    const killedMs = performance.now();
    cluster.process(victim.name).signal('SIGKILL');
    let last = '';
    for (; ; written++) {
      last = await client.send('SET', key, String(written));
      if (last === '+OK') {
        const tookMs = performance.now() - killedMs;
        // One that was on its way when the node died may have been acknowledged by it.
        if (await isTakenOver(client, key, victim.tcpPort)) {
          firstMs.push(tookMs);
          break;
        }
      }
    }
    const found = await client.send('GET', key);
    report.check(found === String(written), `an acknowledged write was lost: ${found} and not ${written}`);
    acknowledged += written + 1;
    client.close();
    await cluster.process(victim.name).ended;
    const backMs = performance.now();
    await cluster.startNode(victim.name);
    await cluster.isReady(victim.name);
    unreachableMs.push(performance.now() - backMs);
    report.progress(`${round + 1}/${failovers}: ${(firstMs.at(-1) as number).toFixed(0)} ms`);
  }
  const table = report.table(`${failovers} failovers, lease ${lease} ms, ${cluster.nodes.length} nodes`, [
    { name: 'what' },
    { name: 'ms', digits: 0 },
  ]);
  table.row('kill -9 to the first acknowledged write', summarize(firstMs));
  table.row('start to being ready again', summarize(unreachableMs));
  report.note(
    `Redis Cluster in its default settings (cluster-node-timeout ${REDIS_NODE_TIMEOUT_MS} ms) holds a node for dead after ` +
      'that time, then has a replica elected 500 ms to 1 s later: 15.5 s at least. Not measured here.',
  );
  report.note(`${acknowledged} acknowledged writes were looked for; the newest of each key was there.`);
}

/** A key whose primary listens on that port. */
async function keyOn(client: Client, port: number): Promise<string> {
  for (let number = 0; number < 10_000; number++) {
    const key = `key:${number}`;
    if ((await ownerOf(client, key)) === port) return key;
  }
  throw new Error('the node has no key');
}

async function isTakenOver(client: Client, key: string, port: number): Promise<boolean> {
  return (await ownerOf(client, key)) !== port;
}

/** By CLUSTER SLOTS, asked of a connection of its own, for one that asks that is told of redirections from then on. */
async function ownerOf(client: Client, key: string): Promise<number> {
  const slot = Number((await client.send('CLUSTER', 'KEYSLOT', key)).slice(1));
  const asker = await Client.open(client.port);
  const slots = await asker.slots();
  asker.close();
  return slots.find(({ first, last }) => slot >= first && slot <= last)?.port ?? 0;
}

/** Resolves when the cluster has all that it is set to have, as that node sees it. */
async function healed(url: string): Promise<void> {
  const endMs = performance.now() + HEALED_MS;
  let lacks: readonly string[] = [];
  while (performance.now() < endMs) {
    try {
      const response = await fetch(`${url}/v1/cluster`, { signal: AbortSignal.timeout(2000) });
      if (response.ok) {
        ({ lacks } = (await response.json()) as ClusterReport);
        if (lacks.length === 0) return;
      }
    } catch {
      // Asked again.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the cluster has not healed: ${lacks.join(' ')}`);
}

/** A connection that sends one command at a time. */
class Client {
  readonly port: number;
  readonly #socket: Socket;
  #text = '';
  #take: ((text: string) => boolean) | null = null;

  private constructor(port: number, socket: Socket) {
    this.port = port;
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      if (this.#take?.(this.#text)) this.#take = null;
    });
    socket.on('error', () => undefined);
  }

  static open(port: number): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Client(port, socket)));
    });
  }

  /** The first line of the reply without its end; of a bulk, what it holds. */
  send(...words: readonly string[]): Promise<string> {
    return this.#exchange(words, (text) => {
      const line = /^([^\r]*)\r\n/.exec(text);
      if (line === null) return undefined;
      const head = line[1] as string;
      if (!head.startsWith('$') || head === '$-1') return head;
      const start = head.length + 2;
      const end = start + Number(head.slice(1));
      return text.length < end + 2 ? undefined : text.slice(start, end);
    });
  }

  /** Who has which slots, by the port of the primary. */
  slots(): Promise<{ first: number; last: number; port: number }[]> {
    return this.#exchange(['CLUSTER', 'SLOTS'], (text) => {
      const found = [...text.matchAll(/:(\d+)\r\n:(\d+)\r\n\*\d+\r\n\$\d+\r\n[^\r]*\r\n:(\d+)\r\n/g)];
      const count = Number(/^\*(\d+)\r\n/.exec(text)?.[1] ?? -1);
      if (count < 0 || found.length < count) return undefined;
      return found.map(([, first, last, port]) => ({ first: Number(first), last: Number(last), port: Number(port) }));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #exchange<Found>(words: readonly string[], read: (text: string) => Found | undefined): Promise<Found> {
    this.#text = '';
    return new Promise((resolve, reject) => {
      this.#socket.once('close', () => reject(new Error('the node closed the connection')));
      this.#take = (text) => {
        const found = read(text);
        if (found === undefined) return false;
        this.#socket.removeAllListeners('close');
        resolve(found);
        return true;
      };
      this.#socket.write(respCommand(...words), 'latin1');
    });
  }
}
