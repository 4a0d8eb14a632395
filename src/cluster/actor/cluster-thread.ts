/** The entry point of the cluster's thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import type { Logger } from '../../base/ports.ts';
import { ClusterActor } from './cluster-actor.ts';
import type { ClusterThreadData, FromClusterThread, LogLevel, ToClusterThread } from './cluster-thread-data.ts';

const port = parentPort;
assert(port !== null, 'the cluster has a thread of its own');
const post = (message: FromClusterThread): void => port.postMessage(message);

const at =
  (level: LogLevel) =>
  (fields: object, message: string): void =>
    post({ kind: 'log', level, fields, message });
const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };

try {
  const actor = new ClusterActor(workerData as ClusterThreadData, post, log);
  port.on('message', (message: ToClusterThread) => {
    actor.take(message);
  });
  await actor.start();
} catch (error) {
  post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
  port.close();
}
