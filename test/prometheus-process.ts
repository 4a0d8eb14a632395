import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from './cluster-processes.ts';

const READY_MS = 30_000;
const LOG_CHARS_KEPT = 20_000;

export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [timeS: number, value: string];
}

export interface PrometheusTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

export interface PrometheusAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

export function isPrometheusInstalled(): boolean {
  return spawnSync('prometheus', ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** A Prometheus on a free port of loopback, in a folder of its own that `end` removes. */
export class PrometheusProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;
  readonly #ended: Promise<unknown>;
  #log = '';

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${port}`;
    this.#ended = once(child, 'close');
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_CHARS_KEPT);
    });
  }

  /** `files`, by name: its configuration `prometheus.yml`, and what that names. Each is written as YAML. */
  static async start(files: Readonly<Record<string, unknown>>): Promise<PrometheusProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'fluxcache-prometheus-'));
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), stringify(content));
    const [port] = await freePorts(1);
    const args = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ];
    const child = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const prometheus = new PrometheusProcess(child, folder, port as number);
    try {
      await prometheus.#isReady();
    } catch (error) {
      await prometheus.end();
      throw error;
    }
    return prometheus;
  }

  /** Throws for a query that is none. */
  async query(expr: string): Promise<readonly PrometheusSample[]> {
    const data = await this.#ask(`/api/v1/query?query=${encodeURIComponent(expr)}`);
    return (data as { result: PrometheusSample[] }).result;
  }

  /** Those that are scraped, and the labels of those that were found and are not to be. */
  async targets(): Promise<{
    readonly active: readonly PrometheusTarget[];
    readonly dropped: readonly Readonly<Record<string, string>>[];
  }> {
    const data = (await this.#ask('/api/v1/targets')) as {
      activeTargets: PrometheusTarget[];
      droppedTargets: { discoveredLabels: Record<string, string> }[];
    };
    return { active: data.activeTargets, dropped: data.droppedTargets.map((target) => target.discoveredLabels) };
  }

  async alerts(): Promise<readonly PrometheusAlert[]> {
    return ((await this.#ask('/api/v1/alerts')) as { alerts: PrometheusAlert[] }).alerts;
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #ask(path: string): Promise<unknown> {
    const response = await fetch(this.#url + path, { signal: AbortSignal.timeout(10_000) });
    const answer = (await response.json()) as { status: string; data: unknown; error?: string };
    if (answer.status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${answer.error}`);
    return answer.data;
  }

  async #isReady(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS;
    while (performance.now() < deadlineMs) {
      if (this.#child.exitCode !== null) break;
      const response = await fetch(`${this.#url}/-/ready`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
      if (response?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`Prometheus does not run:\n${this.#log}`);
  }
}
