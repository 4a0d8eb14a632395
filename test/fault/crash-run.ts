import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeProcess } from '../node-process.ts';
import type { SeededRandom } from '../simulation/random.ts';
import { CrashClient } from './crash-client.ts';
import { CrashLedger } from './crash-ledger.ts';

export interface CrashRunOptions {
  readonly kills: number;
  readonly random: SeededRandom;
  readonly connections: number;
  /** Commands under way on each connection. */
  readonly depth: number;
  /** The load lasts at most so long before the process is killed. */
  readonly loadMsMax: number;
  readonly flags: readonly string[];
  /** Told of each kill. */
  readonly say: (text: string) => void;
}

const BEGUN_WRITES = 20;
const BEGUN_MS_MAX = 15_000;

export interface CrashResult {
  readonly acknowledged: number;
  readonly kills: number;
  /** From the start of the process until it serves what it had. */
  readonly startMsMax: number;
}

/**
 * A node that keeps its keys on the disk, killed at random instants under load and started again, as often as asked for.
 * After each start every key must hold what was acknowledged last, or one of the writes that were sent after that.
 * Throws a `LostWrite` when one does not.
 */
export async function runCrashes(options: CrashRunOptions): Promise<CrashResult> {
  const { kills, random, connections, say } = options;
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-crash-'));
  const ledgers = Array.from(
    { length: connections },
    (_, at) => new CrashLedger(String(at), (below) => random.integer(0, below - 1)),
  );
  const count = (): number => ledgers.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
  let startMsMax = 0;
  let node: NodeProcess | null = null;
  try {
    for (let kill = 1; kill <= kills + 1; kill++) {
      const beganMs = performance.now();
      node = await NodeProcess.start({ flags: ['--persistence', '--data-dir', dataDir, ...options.flags] });
      const { tcpPort } = await node.ports();
      const startMs = performance.now() - beganMs;
      startMsMax = Math.max(startMsMax, startMs);
      await checkAll(tcpPort, ledgers);
      if (kill > kills) break;
      const before = count();
      const clients = await Promise.all(ledgers.map(() => CrashClient.open(tcpPort)));
      for (const [at, ledger] of ledgers.entries()) load(clients[at] as CrashClient, ledger, options.depth);
      await begun(() => count() - before);
      await sleep(random.logBetween(1, options.loadMsMax));
      await node.kill();
      await Promise.all(clients.map(({ ended }) => ended));
      for (const { fault } of clients) if (fault !== null) throw fault;
      say(`kill ${kill}: ${count() - before} writes acknowledged; started in ${Math.round(startMs)} ms`);
    }
    return { acknowledged: count(), kills, startMsMax };
  } catch (error) {
    if (node !== null) say(node.log);
    throw error;
  } finally {
    await node?.kill();
    await rm(dataDir, { recursive: true });
  }
}

/** Keeps so many writes under way until the connection ends. */
export function load(client: CrashClient, ledger: CrashLedger, depth: number): void {
  let hasEnded = false;
  void client.ended.then(() => {
    hasEnded = true;
  });
  const next = (): void => {
    if (hasEnded) return;
    const { commands, onReply } = ledger.write();
    for (const [at, words] of commands.entries()) {
      const isLast = at === commands.length - 1;
      client.send(words, (reply) => {
        if (!isLast) return;
        onReply(reply);
        next();
      });
    }
  };
  for (let i = 0; i < depth; i++) next();
}

/** The load is under way: a process that has just started takes its time. */
async function begun(acknowledged: () => number): Promise<void> {
  const deadlineMs = performance.now() + BEGUN_MS_MAX;
  while (acknowledged() < BEGUN_WRITES && performance.now() < deadlineMs) await sleep(1);
}

export async function checkAll(port: number, ledgers: readonly CrashLedger[]): Promise<void> {
  const client = await CrashClient.open(port);
  try {
    for (const ledger of ledgers) await ledger.check((keys) => client.read(keys));
  } finally {
    client.close();
  }
}
