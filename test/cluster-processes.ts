import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeProcess } from './node-process.ts';

const FORMED_MS = 60_000;

export interface ClusterNodeAddresses {
  readonly name: string;
  readonly url: string;
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly busPort: number;
}

export interface ClusterProcessesOptions {
  readonly count: number;
  /** For every node, behind the usual ones. */
  readonly flags?: readonly string[];
}

/**
 * Nodes of one cluster, each a process, on free ports of loopback that stay theirs when they are started again. Each has
 * a folder of its own below a temporary one, which `end` removes.
 */
export class ClusterProcesses {
  readonly nodes: ClusterNodeAddresses[] = [];
  readonly #processes = new Map<string, NodeProcess>();
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #founders: number;

  private constructor(folder: string, { count, flags = [] }: ClusterProcessesOptions) {
    this.#folder = folder;
    this.#flags = flags;
    this.#founders = count;
  }

  /** Starts all nodes and waits until each says that it is ready to serve. */
  static async start(options: ClusterProcessesOptions): Promise<ClusterProcesses> {
    const cluster = new ClusterProcesses(await mkdtemp(join(tmpdir(), 'fluxcache-cluster-')), options);
    try {
      for (let number = 1; number <= options.count; number++) await cluster.addAddresses();
      await Promise.all(cluster.nodes.map(({ name }) => cluster.startNode(name)));
      await Promise.all(cluster.nodes.map(({ name }) => cluster.isReady(name)));
    } catch (error) {
      await cluster.end();
      throw error;
    }
    return cluster;
  }

  /** Chooses the ports of one more node, which is not started. */
  async addAddresses(): Promise<ClusterNodeAddresses> {
    const [httpPort, tcpPort, busPort] = await freePorts(3);
    const name = `n${this.nodes.length + 1}`;
    const addresses = {
      name,
      url: `http://127.0.0.1:${httpPort}`,
      httpPort: httpPort as number,
      tcpPort: tcpPort as number,
      busPort: busPort as number,
    };
    this.nodes.push(addresses);
    return addresses;
  }

  /** Where a node has what it keeps. */
  directoryOf(name: string): string {
    return join(this.#folder, name);
  }

  /** Starts a node, for the first time or again; `flags` come behind those of the cluster. */
  async startNode(name: string, flags: readonly string[] = []): Promise<NodeProcess> {
    const { httpPort, tcpPort, busPort } = this.addressesOf(name);
    const isFounder = this.nodes.findIndex((node) => node.name === name) < this.#founders;
    const seeds = this.nodes.slice(0, this.#founders).map((node) => `127.0.0.1:${node.busPort}`);
    const process = await NodeProcess.start({
      flags: [
        ...['--node-name', name, '--data-dir', this.directoryOf(name), '--seeds', seeds.join(',')],
        ...['--http-port', `${httpPort}`, '--tcp-port', `${tcpPort}`, '--bus-port', `${busPort}`],
        ...['--bootstrap-expect', isFounder ? `${this.#founders}` : '0'],
        ...this.#flags,
        ...flags,
      ],
    });
    this.#processes.set(name, process);
    return process;
  }

  process(name: string): NodeProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`node ${name} was never started`);
    return process;
  }

  addressesOf(name: string): ClusterNodeAddresses {
    const addresses = this.nodes.find((node) => node.name === name);
    if (addresses === undefined) throw new Error(`there is no node ${name}`);
    return addresses;
  }

  /** Resolves once /readyz of the node answers 200. */
  async isReady(name: string, withinMs = FORMED_MS): Promise<void> {
    const { url } = this.addressesOf(name);
    const deadlineMs = performance.now() + withinMs;
    let last = 'no answer';
    while (performance.now() < deadlineMs) {
      const { child, log } = this.process(name);
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`node ${name} ended:\n${log}`);
      try {
        const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
        if (response.ok) return;
        last = `${response.status} ${await response.text()}`;
      } catch (error) {
        last = String(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`node ${name} is not ready after ${withinMs} ms: ${last}\n${this.process(name).log}`);
  }

  /** Ends all processes at once and removes what they left. */
  async end(): Promise<void> {
    await Promise.all(
      [...this.#processes.values()].map((process) => {
        // One that was stopped by SIGSTOP is ended by this, too.
        return process.kill();
      }),
    );
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Below those that systems hand out, so that whoever asks for any port, or connects, does not get one of them meanwhile. */
const FIRST_PORT = 12_000;
const PORT_COUNT = 20_000;
const givenPorts = new Set<number>();

/** Ports that nobody listens on now, and that were not given before in this process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (givenPorts.has(port) || !(await isFree(port))) continue;
    givenPorts.add(port);
    ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
