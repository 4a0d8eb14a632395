import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { monotonicMs } from '../base/monotonic.ts';
import { systemClock } from '../base/ports.ts';
import { Doorbell } from '../mailbox/doorbell.ts';
import { LaneReceiver } from '../mailbox/lane.ts';
import { frameSeed } from './frame.ts';
import { LogDiskFile } from './log-disk-file.ts';
import { LogGate } from './log-gate.ts';
import { LogSyncer } from './log-syncer.ts';
import type { LogAnswer, LogRequest, LogThreadData } from './log-thread-data.ts';
import { LogWriter } from './log-writer.ts';
import { RecordAssembly } from './record-assembly.ts';
import { SyncPolicyWord } from './sync-policy-word.ts';

/** Records taken before they are written: what else there is to do does not wait longer. */
const BATCH_RECORDS_MAX = 8192;
const FRAME_BYTES_MAX = 2 ** 20;
/** Of any message in the lane. */
const MESSAGE_BYTES_MIN = 8;
/** Without anything due it looks around this often. */
const SLEEP_MS_MAX = 1000;

/** Writes one shard's log until it is asked to stop. Blocks: the thread has no event loop meanwhile. */
export function serveLog(): void {
  const port = parentPort;
  assert(port !== null, 'a log is written by a thread of its own');
  const data = workerData as LogThreadData;
  const answer = (message: LogAnswer): void => port.postMessage(message);
  const { folder, shard, shards, storeId } = data;
  const disk = new LogDiskFile({
    folder,
    header: { shard, shards, storeId },
    previous: data.previous,
    nowMs: () => systemClock.nowMs(),
    syncer: { words: new LogSyncer(data.syncer), tell: () => answer({ kind: 'sync' }) },
  });
  // What a process before this one has written need not be on the disk, and must be before something follows it.
  if (data.previous !== null) disk.sync();
  disk.begin(data.firstSequence, false);
  const gate = new LogGate(data.gate);
  const writer = new LogWriter({
    disk,
    gate,
    policy: new SyncPolicyWord(data.policy),
    seed: frameSeed(storeId),
    firstSequence: data.firstSequence,
    segmentBytesMax: data.segmentBytesMax,
    frameBytesMax: FRAME_BYTES_MAX,
    queuedBytesMax: data.queuedBytesMax,
    nowMs: monotonicMs,
    onTrouble: (what, error) => {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      answer({ kind: 'trouble', what, message, code });
    },
  });
  const records = new LaneReceiver(data.lane);
  const laneBytes = data.lane.ring.sab.byteLength;
  const own = new Doorbell(data.lane.consumerBell);
  const bells = data.bells.map((handle) => new Doorbell(handle));
  answer({ kind: 'open' });

  const assembly = new RecordAssembly(writer);
  let { acknowledged } = gate;
  /** Returns about how many bytes of the lane they took. */
  const takeRecords = (): number => {
    let taken = 0;
    let bytes = 0;
    while (taken < BATCH_RECORDS_MAX && records.next()) {
      assembly.take(records.kind, records.bytes, records.offset, records.offset + records.length);
      taken++;
      bytes += MESSAGE_BYTES_MIN + records.length;
    }
    records.release();
    writer.commit();
    writer.tick();
    const now = gate.acknowledged;
    if (now !== acknowledged) for (const bell of bells) bell.ring();
    acknowledged = now;
    return bytes;
  };
  const nextRequest = () => receiveMessageOnPort(port)?.message as LogRequest | undefined;
  let request = nextRequest();
  for (;;) {
    const worked = takeRecords() > 0;
    if (request !== undefined) {
      // What was sent before the request is in the lane, and is taken before it is answered.
      for (let bytes = 0, taken = 1; taken > 0 && bytes < laneBytes; bytes += taken) taken = takeRecords();
      if (request.kind === 'stop') break;
      if (request.kind === 'succeed') {
        assembly.abandon();
        answer({ kind: 'succeeded', id: request.id, next: writer.next });
      } else if (request.kind === 'mend') writer.mend(request.sequence);
      else if (request.kind === 'restart') {
        const sequence = writer.restart();
        answer({ kind: 'restarted', id: request.id, sequence, trouble: writer.trouble });
      } else answer({ kind: 'synced', id: request.id, ...writer.sync() });
    } else if (!worked) {
      writer.mark();
      own.announce();
      // The second look, at both: whatever came before the announcement was not rung for.
      request = nextRequest();
      const sleepMs = Math.min(SLEEP_MS_MAX, Math.max(0, writer.dueMs - monotonicMs()));
      if (request !== undefined || records.hasMore() || sleepMs === 0) own.withdraw();
      else own.wait(sleepMs);
      if (request !== undefined) continue;
    }
    request = nextRequest();
  }
  const isComplete = writer.close();
  for (const bell of bells) bell.ring();
  answer({ kind: 'closed', isComplete });
}
