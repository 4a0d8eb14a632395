import { LoadConnection } from './bench-connection.ts';
import type { BenchPlan, BenchResult } from './bench-plan.ts';
import { Load } from './bench-tally.ts';
import { openSocket } from './connection.ts';

/** Closer to the next request than this, a timer would be too late. */
const TIMER_MS = 2;

/** Sends what a plan asks for and waits for all answers. `onProgress` is called now and then. Throws ConnectionError. */
export async function runLoad(plan: BenchPlan, onProgress: (requests: number) => void): Promise<BenchResult> {
  const load = new Load(plan);
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, async (_, index) => {
      return new LoadConnection(load, await openSocket(plan.target), index);
    }),
  );
  const progress = setInterval(() => onProgress(load.answered), 250);
  const close = () => {
    for (const connection of connections) connection.close();
  };
  try {
    await Promise.all(connections.map((connection) => connection.login()));
    const startedAtMs = performance.timeOrigin + performance.now();
    load.startMs = performance.now();
    const done = Promise.all(connections.map((connection) => connection.run()));
    if (plan.rate > 0) keepPace(connections);
    await done;
    const endedAtMs = performance.timeOrigin + performance.now();
    const {
      reads,
      hits,
      writes,
      errors,
      wrong,
      firstFault,
      sentBytes,
      receivedBytes,
      readTimes,
      writeTimes,
      lateTimes,
    } = load;
    return {
      startedAtMs,
      endedAtMs,
      reads,
      hits,
      writes,
      errors,
      wrong,
      firstFault,
      sentBytes,
      receivedBytes,
      readTimes,
      writeTimes,
      lateTimes,
    };
  } finally {
    clearInterval(progress);
    close();
  }
}

/** Lets every connection send what is due, until all is sent. */
function keepPace(connections: readonly LoadConnection[]): void {
  const look = () => {
    const nowMs = performance.now();
    let nextDueMs = Number.POSITIVE_INFINITY;
    for (const connection of connections) {
      connection.send(nowMs);
      nextDueMs = Math.min(nextDueMs, connection.nextDueMs);
    }
    if (connections.every((connection) => connection.isDone)) return;
    // A full connection sends what is overdue when answers come.
    if (nextDueMs - nowMs > TIMER_MS) setTimeout(look, Math.min(nextDueMs - nowMs - TIMER_MS, 100));
    else setImmediate(look);
  };
  look();
}
