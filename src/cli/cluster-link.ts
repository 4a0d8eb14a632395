import type { ClusterReport } from '../command/cluster-report.ts';
import { readReport } from './cluster-report.ts';
import { Connection, ConnectionError } from './connection.ts';
import { RefusedError } from './key-pages.ts';
import { bytesOf, type Run, warn } from './run.ts';
import { addressText, type Target, targetAt } from './target.ts';

/** What came of a change that the cluster was asked for. */
export interface ClusterChange {
  readonly result: string;
  readonly message: string;
}

/** The server knows nothing of clusters as FluxCache has them. */
export class NoClusterError extends RefusedError {}

/** A connection to some node of a cluster: to the one it was told of, or to another one that this told of, when it is gone. */
export class ClusterLink {
  readonly #run: Run;
  #target: Target;
  #connection: Connection | null = null;
  /** Where other nodes are, as `host:port`, by the last report. */
  #others: readonly string[] = [];

  constructor(run: Run) {
    this.#run = run;
    this.#target = run.target;
  }

  /** What the node tells of the cluster, and the text in which it does. Goes on at another node when this one is lost. */
  async report(withPartitions: boolean): Promise<{ report: ClusterReport; text: string }> {
    const words = ['CLUSTER', 'REPORT', ...(withPartitions ? ['PARTITIONS'] : [])];
    // A node that was there and failed is not asked twice.
    const failed = new Set<string>();
    for (;;) {
      const connection = await this.#connected(failed);
      try {
        const text = await this.#ask(connection, words);
        const report = readReport(text);
        this.#others = report.nodes.flatMap(({ tcp }) => (tcp === '' ? [] : [tcp]));
        return { report, text };
      } catch (error) {
        this.close();
        if (!(error instanceof ConnectionError)) throw error;
        failed.add(addressText(this.#target));
        if (this.#targets(failed).length === 0) throw error;
      }
    }
  }

  /** Asks for a change; throws a {@link RefusedError} when it is refused. */
  async change(verb: string, fields: object): Promise<ClusterChange> {
    const text = await this.#ask(await this.#connected(), ['CLUSTER', 'CONTROL', verb, JSON.stringify(fields)]);
    const answer = JSON.parse(text) as Partial<ClusterChange>;
    return { result: String(answer.result ?? ''), message: String(answer.message ?? '') };
  }

  /** Where the last report came from. */
  get target(): Target {
    return this.#target;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async #connected(failed: ReadonlySet<string> = new Set()): Promise<Connection> {
    if (this.#connection !== null && !this.#connection.isEnded) return this.#connection;
    let first: unknown;
    for (const target of this.#targets(failed)) {
      try {
        this.#connection = await Connection.open(target, 2, (text) => warn(text));
        this.#target = target;
        return this.#connection;
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  #targets(failed: ReadonlySet<string>): Target[] {
    const targets = [this.#target, ...this.#others.flatMap((text) => this.#targetAt(text))];
    return targets.filter((target) => !failed.has(addressText(target)));
  }

  #targetAt(text: string): Target[] {
    const target = targetAt(this.#target, text);
    return target === null || addressText(target) === addressText(this.#target) ? [] : [target];
  }

  async #ask(connection: Connection, words: readonly string[]): Promise<string> {
    const reply = await connection.request(words);
    if (reply.kind === 'error') {
      if (!/unknown subcommand|unknown command/i.test(reply.text)) throw new RefusedError(reply.text);
      const { host, port } = this.#run.target;
      throw new NoClusterError(`The server at ${addressText({ host, port })} is no node of a FluxCache cluster.`);
    }
    return Buffer.from(bytesOf(reply) ?? []).toString('utf8');
  }
}
