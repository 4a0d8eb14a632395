import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterReport } from '../../src/command/cluster-report.ts';
import { freePorts } from '../cluster-processes.ts';
import { NodeProcess } from '../node-process.ts';
import { FaultProxy } from './fault-proxy.ts';
import { FaultTable } from './fault-table.ts';
import { ownerOfConnection } from './socket-owner.ts';

const ENDS_MS = 30_000;
const STAYS_WELL_MS = 400;

export interface FaultNode {
  readonly name: string;
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly busPort: number;
  /** What stands before its bus and its TCP port, as other nodes reach them. */
  readonly proxies: readonly [bus: FaultProxy, tcp: FaultProxy];
}

export interface FaultClusterOptions {
  readonly count: number;
  /** For every node, behind the usual ones. */
  readonly flags?: readonly string[];
  readonly random?: () => number;
}

/** Nodes as processes of their own that reach each other only through proxies. */
export class FaultCluster {
  readonly table = new FaultTable();
  readonly nodes: FaultNode[] = [];
  readonly #folder: string;
  readonly #options: FaultClusterOptions;
  readonly #processes = new Map<string, NodeProcess>();
  readonly #paused = new Set<string>();
  /** What ended processes have logged. */
  readonly #formerLogs = new Map<string, string>();
  /** Nodes that there have been. */
  #added = 0;

  private constructor(folder: string, options: FaultClusterOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts them and waits until all is well. */
  static async start(options: FaultClusterOptions): Promise<FaultCluster> {
    const cluster = new FaultCluster(await mkdtemp(join(tmpdir(), 'fluxcache-fault-')), options);
    try {
      for (let number = 1; number <= options.count; number++) await cluster.#addAddresses();
      await Promise.all(cluster.nodes.map(({ name }) => cluster.startNode(name)));
      await cluster.isWell(60_000);
    } catch (error) {
      const folder = await cluster.saveLogs();
      await cluster.end();
      throw new Error(`the cluster did not come up; logs are in ${folder}`, { cause: error });
    }
    return cluster;
  }

  /** One more node, which joins. Its name. */
  async join(): Promise<string> {
    const { name } = await this.#addAddresses();
    await this.startNode(name);
    return name;
  }

  async startNode(name: string): Promise<void> {
    const { httpPort, tcpPort, busPort, proxies } = this.node(name);
    const founders = this.nodes.slice(0, this.#options.count);
    const isFounder = founders.some((node) => node.name === name);
    const [bus, tcp] = proxies;
    const process = await NodeProcess.start({
      flags: [
        ...['--node-name', name, '--data-dir', join(this.#folder, name)],
        ...['--seeds', founders.map((node) => `127.0.0.1:${node.proxies[0].port}`).join(',')],
        ...['--bootstrap-expect', isFounder ? `${this.#options.count}` : '0'],
        ...['--http-port', `${httpPort}`, '--tcp-port', `${tcpPort}`, '--bus-port', `${busPort}`],
        ...['--announce-bus', `127.0.0.1:${bus.port}`],
        ...['--announce-link', `127.0.0.1:${tcp.port}`],
        ...(this.#options.flags ?? []),
      ],
    });
    this.#processes.set(name, process);
  }

  node(name: string): FaultNode {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** Names of the nodes whose processes run and are not paused. */
  get running(): string[] {
    return this.nodes.map(({ name }) => name).filter((name) => this.#processes.has(name) && !this.#paused.has(name));
  }

  /** Names of all nodes, whatever their state. */
  get names(): string[] {
    return this.nodes.map(({ name }) => name);
  }

  async kill(name: string): Promise<void> {
    const process = this.#process(name);
    this.#forget(name, process);
    await process.kill();
  }

  /** Tells it to stop by SIGTERM; rejects when it does not end, or not with status 0. */
  async terminate(name: string): Promise<void> {
    const process = this.#process(name);
    process.signal('SIGTERM');
    const timeout = AbortSignal.timeout(ENDS_MS);
    const late = new Promise<'late'>((resolve) => timeout.addEventListener('abort', () => resolve('late')));
    const status = await Promise.race([process.ended, late]);
    this.#forget(name, process);
    if (status === 0) return;
    if (status === 'late') await process.kill();
    throw new Error(`node ${name} was told to stop and ended with ${status}`);
  }

  pause(name: string): void {
    this.#paused.add(name);
    this.#process(name).signal('SIGSTOP');
  }

  resume(name: string): void {
    this.#paused.delete(name);
    this.#process(name).signal('SIGCONT');
  }

  /** Forgets a node that has left. */
  async leave(name: string): Promise<void> {
    const [node] = this.nodes.splice(this.nodes.indexOf(this.node(name)), 1);
    for (const proxy of node?.proxies ?? []) await proxy.stop();
  }

  /** What a node reports of the cluster; null: it does not answer. */
  async report(name: string): Promise<ClusterReport | null> {
    try {
      const url = `http://127.0.0.1:${this.node(name).httpPort}/v1/cluster?partitions=true`;
      const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
      return response.ok ? ((await response.json()) as ClusterReport) : null;
    } catch {
      return null;
    }
  }

  /** Asks a node for a change of the cluster; resolves to its answer's text. Rejects when it refuses. */
  async control(name: string, verb: string, fields: object): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.node(name).httpPort}/v1/cluster/${verb}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(fields),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${verb} ${JSON.stringify(fields)} was refused: ${text}`);
    return text;
  }

  /** Resolves once every node that runs is ready and everything is where it should be; rejects with what is missing. */
  async isWell(withinMs: number): Promise<void> {
    const endMs = performance.now() + withinMs;
    let missing = 'no answer';
    // The next copies to be moved are named a moment after the last ones were there.
    let wellSinceMs = Number.POSITIVE_INFINITY;
    while (performance.now() < endMs) {
      const found = await this.#missing();
      const nowMs = performance.now();
      if (found === null) wellSinceMs = Math.min(wellSinceMs, nowMs);
      else {
        wellSinceMs = Number.POSITIVE_INFINITY;
        missing = found;
      }
      if (nowMs - wellSinceMs >= STAYS_WELL_MS) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`after ${withinMs} ms: ${missing}`);
  }

  /** Writes all logs, and what each node reports of the cluster, to files of a new folder, whose path it returns. */
  async saveLogs(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'fluxcache-fault-logs-'));
    for (const name of new Set([...this.#formerLogs.keys(), ...this.#processes.keys()])) {
      const text = `${this.#formerLogs.get(name) ?? ''}${this.#processes.get(name)?.log ?? ''}`;
      await writeFile(join(folder, `${name}.log`), text);
    }
    for (const name of this.running) {
      await writeFile(join(folder, `${name}.json`), JSON.stringify(await this.report(name), null, 2));
    }
    return folder;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.kill()));
    await Promise.all(this.nodes.flatMap(({ proxies }) => proxies.map((proxy) => proxy.stop())));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #missing(): Promise<string | null> {
    const reports = await Promise.all(this.running.map(async (name) => [name, await this.report(name)] as const));
    for (const [name, report] of reports) {
      if (report === null) return `${name} does not answer`;
      if (report.leaseLeftMs === null) return `${name} holds no lease`;
      const { partitions, rebalance, nodes, lacks } = report;
      if (partitions.total === 0 || partitions.offline > 0)
        return `${name} says that ${partitions.offline} are offline`;
      if (partitions.underReplicated > 0) return `${name} says that ${partitions.underReplicated} lack copies`;
      if (!rebalance.isBalanced) return `${name} says that ${partitions.misplaced} partitions are to be moved`;
      const amiss = nodes.find((node) => node.health !== 'up');
      if (amiss !== undefined) return `${name} says that ${amiss.id} is ${amiss.health}`;
      if (lacks.length > 0) return `${name}: ${lacks[0]}`;
    }
    return reports.length === 0 ? 'no node runs' : null;
  }

  async #addAddresses(): Promise<FaultNode> {
    const [httpPort = 0, tcpPort = 0, busPort = 0] = await freePorts(3);
    // Never one that there was: its directory is that of a node which was removed, and may not come back.
    const name = `n${++this.#added}`;
    const { random } = this.#options;
    const proxyTo = (targetPort: number): Promise<FaultProxy> =>
      FaultProxy.start({
        owner: name,
        targetPort,
        table: this.table,
        dialerOf: (from, to) => ownerOfConnection(from, to, this.#pids()),
        ...(random === undefined ? {} : { random }),
      });
    const node = {
      name,
      httpPort,
      tcpPort,
      busPort,
      proxies: [await proxyTo(busPort), await proxyTo(tcpPort)] as const,
    };
    this.nodes.push(node);
    return node;
  }

  #pids(): ReadonlyMap<string, number> {
    return new Map([...this.#processes].map(([name, process]) => [name, process.pid]));
  }

  #process(name: string): NodeProcess {
    const process = this.#processes.get(name);
    if (process === undefined) throw new Error(`node ${name} does not run`);
    return process;
  }

  #forget(name: string, process: NodeProcess): void {
    this.#paused.delete(name);
    this.#processes.delete(name);
    void process.ended.then(() => {
      this.#formerLogs.set(name, `${this.#formerLogs.get(name) ?? ''}${process.log}--- ended ---\n`);
    });
  }
}
