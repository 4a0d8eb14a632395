import type { Worker } from 'node:worker_threads';
import { moduleBeside, spawnThread } from '../base/spawn-thread.ts';
import { runLoad } from './bench-load.ts';
import { benchOptions } from './bench-options.ts';
import type { BenchMessage, BenchPlan, BenchResult } from './bench-plan.ts';
import { reportOf, reportText } from './bench-report.ts';
import { readOptions } from './command-line.ts';
import { ConnectionError } from './connection.ts';
import { optionsText } from './help-text.ts';
import type { OptionValues } from './option-kinds.ts';
import { askPassword } from './password-prompt.ts';
import { Exit, print, refuse } from './run.ts';
import { addressText, type Target, targetOf } from './target.ts';

const HTTP_PORT = 8081;
const CLEAR_LINE = '\r\x1b[2K';

type Values = OptionValues<typeof benchOptions>;

/** Runs `fluxcache bench`; `args` are those of the program without the word itself. */
export async function runBench(args: readonly string[]): Promise<Exit> {
  const { values, given, rest, problems: found, asks } = readOptions(benchOptions, args);
  if (asks === 'help') {
    await print(helpText());
    return Exit.ok;
  }
  const problems = [...found];
  if (rest.length > 0) problems.push(`bench takes options only, but was given ${JSON.stringify(rest[0])}.`);
  if (given.has('requests') && given.has('duration')) problems.push('-n and --duration contradict each other.');
  if (values.threads > values.connections) problems.push('--threads: there are fewer connections (-c) than threads.');
  if (values.protocol === 'http' && values.depth > 1) problems.push('-P: HTTP has one request under way a connection.');
  if (values.protocol === 'http' && values.tls) problems.push('--tls: bench speaks HTTP without TLS only.');
  let target = targetOf(values, given, process.env, problems);
  if (problems.length > 0) return refuse(problems);
  if (values.askPassword) target = { ...target, password: await askPassword() };
  // The default port is that of RESP and MessagePack-RPC.
  if (values.protocol === 'http' && target.port === benchOptions.port.default) target = { ...target, port: HTTP_PORT };

  if (values.fill) await runPlans(fillPlans(values, target), 'filling');
  const report = reportOf(await runPlans(plansOf(values, target), ''));
  if (values.json) {
    const { protocol, connections, depth, threads, keys, valueBytes, rate } = values;
    await print(`${JSON.stringify({ protocol, connections, depth, threads, keys, valueBytes, rate, ...report })}\n`);
  } else {
    await print(`${heading(values, target)}\n\n${reportText(report)}`);
  }
  return report.errors + report.wrong === 0 ? Exit.ok : Exit.error;
}

/** A plan a thread: connections, requests and rate are shared out. */
function plansOf(values: Values, target: Target): BenchPlan[] {
  const { protocol, connections, depth, valueBytes, keys, order, ratio, threads, rate, duration } = values;
  return Array.from({ length: threads }, (_, index) => ({
    target,
    protocol,
    connections: portion(connections, threads, index),
    depth,
    requests: duration === undefined ? portion(values.requests, threads, index) : Number.POSITIVE_INFINITY,
    durationMs: duration ?? Number.POSITIVE_INFINITY,
    valueBytes,
    keys,
    order,
    firstKey: Math.floor((keys / threads) * index),
    readShare: ratio,
    ttlSeconds: Math.round((values.ttl ?? 0) / 1000),
    rate: (rate * portion(connections, threads, index)) / connections,
    seed: 0x9e3779b9 + index * 0x85ebca6b,
  }));
}

/** Writes every key once. */
function fillPlans(values: Values, target: Target): BenchPlan[] {
  const { keys, threads } = values;
  return plansOf(values, target).map((plan, index) => ({
    ...plan,
    depth: plan.protocol === 'http' ? 1 : Math.max(plan.depth, 16),
    requests: Math.floor((keys / threads) * (index + 1)) - plan.firstKey,
    durationMs: Number.POSITIVE_INFINITY,
    order: { kind: 'sequential' },
    readShare: 0,
    rate: 0,
  }));
}

function portion(total: number, parts: number, index: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
}

/** Runs the plans at the same time: one alone in this thread, several in threads of their own. */
async function runPlans(plans: readonly BenchPlan[], title: string): Promise<BenchResult[]> {
  const progress = new Progress(plans, title);
  try {
    const [only] = plans;
    if (only !== undefined && plans.length === 1) return [await runLoad(only, (count) => progress.tell(0, count))];
    return await Promise.all(plans.map((plan, index) => inThread(plan, (count) => progress.tell(index, count))));
  } finally {
    progress.end();
  }
}

function inThread(plan: BenchPlan, onProgress: (requests: number) => void): Promise<BenchResult> {
  const worker: Worker = spawnThread(moduleBeside('./bench-thread', import.meta.url), { workerData: plan });
  return new Promise<BenchResult>((resolve, reject) => {
    worker.on('message', (message: BenchMessage) => {
      if (message.kind === 'progress') onProgress(message.requests);
      else if (message.kind === 'result') resolve(message.result);
      else reject(new ConnectionError(message.message));
    });
    worker.on('error', reject);
    worker.on('exit', () => reject(new ConnectionError('A thread of the benchmark ended too soon.')));
  }).finally(() => worker.terminate());
}

/** One line on the terminal, on standard error so that the report stays clean. */
class Progress {
  readonly #counts: number[];
  readonly #plans: readonly BenchPlan[];
  readonly #title: string;
  readonly #startMs = performance.now();
  readonly #isShown = process.stderr.isTTY === true;

  constructor(plans: readonly BenchPlan[], title: string) {
    this.#plans = plans;
    this.#title = title;
    this.#counts = plans.map(() => 0);
  }

  tell(index: number, requests: number): void {
    this.#counts[index] = requests;
    if (!this.#isShown) return;
    const elapsedMs = performance.now() - this.#startMs;
    const done = this.#counts.reduce((sum, count) => sum + count, 0);
    const wanted = this.#plans.reduce((sum, plan) => sum + plan.requests, 0);
    const share = Number.isFinite(wanted) ? done / wanted : elapsedMs / (this.#plans[0]?.durationMs ?? 1);
    const percent = `${Math.min(100, Math.floor(share * 100))}%`.padStart(4);
    const rate = Math.round((done * 1000) / elapsedMs).toLocaleString('en-US');
    const text = `${this.#title} ${percent}  ${done.toLocaleString('en-US')} requests, ${rate}/s`.trimStart();
    process.stderr.write(`${CLEAR_LINE}${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  end(): void {
    if (this.#isShown) process.stderr.write(CLEAR_LINE);
  }
}

function heading(values: Values, target: Target): string {
  const { protocol, connections, depth, threads, keys, order, ratio, valueBytes, rate } = values;
  const orderText = order.kind === 'zipf' ? `zipf ${order.theta}` : order.kind;
  const pace = rate === 0 ? 'at full speed' : `${rate.toLocaleString('en-US')} requests/s`;
  return [
    `${protocol} at ${addressText(target)}, ${connections} connections, depth ${depth}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${pace}`,
    `${keys.toLocaleString('en-US')} keys (${orderText}), values of ${valueBytes} bytes, ${Math.round(ratio * 100)}% reads`,
  ].join('\n');
}

function helpText(): string {
  return `Usage: fluxcache bench [OPTION…]

Sends reads and writes to a server, checks every answer, and tells throughput and latency. It writes keys that begin
with bench: and leaves them behind.

${optionsText(benchOptions)}

Exit status: 0; 1 when the server cannot be reached, answers an error or something wrong; 2 when the command line is wrong.
`;
}
