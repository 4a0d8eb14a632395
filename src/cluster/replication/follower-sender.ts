import { isSameMember, type Member } from '../identity.ts';
import type { CopyData } from './copy-data.ts';
import type { Follower } from './follower.ts';
import type { ChunkCursor, ReplicationHost } from './replication-host.ts';
import type { LogRecord } from './replication-message.ts';
import type { ReplicationOptions } from './replication-options.ts';
import { SnapshotSender } from './snapshot-sender.ts';

/** What a copy acts with, in whatever role. */
export interface CopyContext {
  readonly partition: number;
  readonly data: CopyData;
  readonly options: ReplicationOptions;
  readonly host: ReplicationHost;
  /** Counts the snapshots this copy has sent, over all epochs. */
  readonly streams: { count: number };
}

/** Sends a primary's records, and snapshots where they do not reach back far enough, in one epoch. */
export class FollowerSender {
  readonly #context: CopyContext;
  readonly #epoch: number;
  readonly #epochStart: number;

  /** `epochStart`: the last record from before the epoch. */
  constructor(context: CopyContext, epoch: number, epochStart: number) {
    this.#context = context;
    this.#epoch = epoch;
    this.#epochStart = epochStart;
  }

  /** Sends what is due: at most one message with records, and one piece of a snapshot. */
  serve(follower: Follower, nowMs: number): void {
    const { log } = this.#context.data;
    if (follower.snapshot?.isStalled(nowMs)) {
      // It asks for another one if it is still there.
      follower.snapshot = null;
      follower.probeAt(log.last);
    }
    if (!follower.snapshot?.isBeforeFirst) this.#serveRecords(follower, nowMs);
    if (this.#isChunkReady(follower) && follower.snapshot?.isSendDue(nowMs)) this.#sendChunk(follower, nowMs);
  }

  #serveRecords(follower: Follower, nowMs: number): void {
    const { data, options } = this.#context;
    follower.rewindIfOverdue(nowMs);
    // What it needs is no longer kept. It has to say so itself: a copy takes no snapshot that it does not miss.
    if (follower.next <= data.log.trimmed) follower.probeAt(data.log.last);
    const hasRecords = this.#hasRecordsFor(follower);
    if (!follower.isSilent(nowMs) && follower.canTakeRecords && (hasRecords || follower.isProbing)) {
      const to = recordsTo(follower, data.log.last);
      this.#append(follower, hasRecords ? data.log.slice(follower.next, to, options.appendBytesMax) : [], nowMs);
    } else if (follower.isKeepaliveDue(nowMs)) this.#append(follower, [], nowMs);
  }

  /** When, after `nowMs`, to serve it again although nothing happens. */
  wakeAfter(follower: Follower, nowMs: number): number {
    const { snapshot } = follower;
    let wakeAtMs = Number.POSITIVE_INFINITY;
    if (snapshot !== null) wakeAtMs = this.#isChunkReady(follower) ? snapshot.sendAtMs : snapshot.stallAtMs;
    if (snapshot?.isBeforeFirst) return wakeAtMs;
    const hasMore = follower.canTakeRecords && !follower.isSilent(nowMs) && this.#hasRecordsFor(follower);
    return hasMore ? nowMs : Math.min(wakeAtMs, follower.wakeAfter(nowMs));
  }

  /** The follower does not have the record before those it was sent; it asks for what follows `hint`. */
  onGap(follower: Follower, hint: number, inSync: readonly Member[], nowMs: number): void {
    // What it holds until the first piece of a snapshot is there does not matter.
    if (follower.snapshot?.isBeforeFirst) return;
    const { log } = this.#context.data;
    const seq = Math.min(Math.max(hint, follower.acked), log.last);
    // An earlier question, answered late or twice.
    if (seq >= follower.next - 1) return;
    if (seq >= log.trimmed) follower.probeAt(seq);
    // Its hint is only what it is sure of; the two logs may agree further on.
    else if (seq > 0 && follower.next - 1 > log.trimmed) follower.probeAt(log.trimmed);
    else this.#beginSnapshot(follower, inSync, nowMs);
  }

  /** What the follower holds can never be made whole by records. */
  onUnusable(follower: Follower, inSync: readonly Member[], nowMs: number): void {
    if (follower.snapshot === null) this.#beginSnapshot(follower, inSync, nowMs);
  }

  /** The follower took a piece. Answers whether it is the one that was being sent. */
  onChunkTaken(follower: Follower, stream: number, index: number, nowMs: number): boolean {
    const { snapshot } = follower;
    if (snapshot === null || !isBeingSent(snapshot, stream, index)) return false;
    const next = snapshot.taken(nowMs);
    if (snapshot.isDone) follower.snapshot = null;
    else this.#context.host.readChunk(this.#context.partition, stream, next);
    return true;
  }

  /** The store has read a piece: it shows the state after the last record. */
  chunkRead(snapshot: SnapshotSender, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    const { log } = this.#context.data;
    snapshot.read({ atSeq: log.last, atEpoch: log.lastEpoch, entries, next }, nowMs);
  }

  #beginSnapshot(follower: Follower, inSync: readonly Member[], nowMs: number): void {
    // Such a copy holds all that is committed, and records are kept from there on: a later answer will tell where.
    if (inSync.some((member) => isSameMember(member, follower.member))) {
      follower.probeAt(Math.max(follower.acked, this.#context.data.log.trimmed));
      return;
    }
    const { host, options, partition, streams } = this.#context;
    streams.count++;
    follower.snapshot = new SnapshotSender(streams.count, options, nowMs);
    host.readChunk(partition, streams.count, null);
  }

  /** Whether a piece was read and the records before it were sent. */
  #isChunkReady({ snapshot, next }: Follower): boolean {
    return snapshot !== null && snapshot.chunk !== null && (snapshot.isBeforeFirst || next > snapshot.chunk.atSeq);
  }

  #sendChunk(follower: Follower, nowMs: number): void {
    const { node, snapshot } = follower;
    const chunk = snapshot?.chunk;
    if (snapshot === null || chunk === null || chunk === undefined) return;
    snapshot.sent(nowMs);
    this.#context.host.send(node, {
      type: 'chunk',
      partition: this.#context.partition,
      epoch: this.#epoch,
      stream: snapshot.stream,
      index: snapshot.index,
      ask: follower.ask,
      atSeq: chunk.atSeq,
      atEpoch: chunk.atEpoch,
      entries: chunk.entries,
      isLast: chunk.next === null,
    });
  }

  #append(follower: Follower, records: readonly LogRecord[], nowMs: number): void {
    const { data, host, partition } = this.#context;
    const previousSeq = follower.next - 1;
    follower.sent(previousSeq + records.length, nowMs);
    host.send(follower.node, {
      type: 'append',
      partition,
      epoch: this.#epoch,
      previousSeq,
      previousEpoch: data.log.epochAt(previousSeq),
      records,
      committed: data.committed,
      echo: this.#knowsAllAcknowledged(nowMs) ? follower.stampMs : -1,
    });
  }

  /** Everything anybody has acknowledged up to now is committed as this primary sees it. */
  #knowsAllAcknowledged(nowMs: number): boolean {
    const { data, host } = this.#context;
    return nowMs < host.lease.endsAtMs && data.committed >= this.#epochStart;
  }

  #hasRecordsFor(follower: Follower): boolean {
    return follower.next <= recordsTo(follower, this.#context.data.log.last);
  }
}

export function isBeingSent(snapshot: SnapshotSender, stream: number, index: number): boolean {
  return snapshot.stream === stream && snapshot.index === index && snapshot.chunk !== null;
}

function recordsTo(follower: Follower, last: number): number {
  return Math.min(last, follower.snapshot?.recordsTo ?? last);
}
