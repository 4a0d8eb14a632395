import { FrameBuffer } from './frame-buffer.ts';
import { FrameQueue } from './frame-queue.ts';
import type { LogDisk, SyncPolicy } from './log-disk.ts';
import { type LogGate, LogState } from './log-gate.ts';

export interface LogWriterOptions {
  readonly disk: LogDisk;
  readonly gate: LogGate;
  /** It may change between two calls. */
  readonly policy: { readonly now: SyncPolicy };
  readonly seed: number;
  /** Of the first record to come. */
  readonly firstSequence: number;
  /** A segment that is larger is followed by another. */
  readonly segmentBytesMax: number;
  /** Of the records of one frame, but for one record that is larger by itself. */
  readonly frameBytesMax: number;
  /** Of frames that may wait for a disk that fails. */
  readonly queuedBytesMax: number;
  readonly nowMs: () => number;
  readonly onTrouble: (what: string, error: unknown) => void;
}

export interface Synced {
  readonly next: number;
  readonly synced: number;
}

const SYNC_EVERY_MS = 1000;
const RETRY_MS = 250;
/** How often it is looked whether what is written can be found. */
const CHECK_EVERY_MS = 1000;

/**
 * Writes one shard's log: collects records to frames, writes these, has them synced as the policy says, and tells by the
 * gate how far it has come. Whoever runs it calls `add` for each record, `commit` when there are no more for now, and
 * `tick` at `dueMs`.
 *
 *     well -> failing      a write failed: what may be there of it is taken back, and it is tried again every 250 ms
 *     failing -> well      it went through; nothing is missing
 *     well | failing -> broken     a sync failed, after which the system may have thrown away what was written; or the file
 *                          was removed; or more waits than may. Nothing is written any more, and what comes is only counted
 *     broken -> mending    `restart`: a segment is begun that does not go on where the last one ended
 *     mending -> well      `mend`: a snapshot has all that lies before that segment
 *     mending -> broken    as above
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #frame: FrameBuffer;
  /** Of the record that is to come next. */
  #next: number;
  /** Of the first record that is not written. */
  #unwritten: number;
  /** Of the first record that is not synced. */
  #synced: number;
  /** Below it all records are on the disk: as `#synced`, but while a snapshot is missing. */
  #durable: number;
  /** Of the first record whose reply may not be told. */
  #acknowledged: number;
  #segmentFirst: number;
  readonly #queue: FrameQueue;
  #syncDueMs = Number.POSITIVE_INFINITY;
  #retryDueMs = Number.POSITIVE_INFINITY;
  #checkedMs: number;
  /** What went wrong last; null: all is well since. */
  #trouble: string | null = null;
  /** Up to where marks tell what is on the disk. */
  #marked: number;
  /** More records of a command are to come. */
  #isMidCommand = false;
  /** The first of it. */
  #begunAt = 0;
  #state: LogState = LogState.well;
  /** What is being synced on another thread: all before this record; 0: nothing. */
  #syncing = 0;
  #syncBeganMs = 0;
  /** Where the log goes on while it is mended. */
  #mendFrom = 0;
  /** Bytes of the segment that are whole frames. */
  #whole: number;

  constructor(options: LogWriterOptions) {
    const { gate, disk, firstSequence } = options;
    this.#options = options;
    this.#frame = new FrameBuffer(options.seed);
    this.#queue = new FrameQueue(options.queuedBytesMax);
    this.#next = firstSequence;
    this.#unwritten = firstSequence;
    this.#synced = firstSequence;
    this.#durable = firstSequence;
    this.#acknowledged = firstSequence;
    this.#segmentFirst = firstSequence;
    this.#marked = firstSequence;
    this.#whole = disk.length;
    this.#checkedMs = options.nowMs();
    gate.set('written', firstSequence - 1);
    gate.set('durable', firstSequence - 1);
    gate.setAcknowledged(firstSequence - 1);
    gate.set('logBytes', disk.length);
    gate.setState(LogState.well);
  }

  /** Of the record that is to come next. */
  get next(): number {
    return this.#next;
  }

  /** Why the log is not well, or could not begin a segment, as the system says; null: there is nothing to say. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** When `tick` is to be called, by `nowMs`; Infinity: not before something else happens. */
  get dueMs(): number {
    return Math.min(this.#syncDueMs, this.#retryDueMs);
  }

  /** Records of one command, up to the one that `isLast` of it, are in one frame: all of them are read back, or none. */
  add(partition: number, source: Uint8Array, start: number, end: number, isLast = true): void {
    const { frameBytesMax } = this.#options;
    const begins = !this.#isMidCommand;
    this.#isMidCommand = !isLast;
    if (begins) this.#begunAt = this.#next;
    if (this.#state === LogState.broken) {
      this.#next++;
      return;
    }
    if (begins) {
      if (!this.#frame.isEmpty && this.#frame.length + end - start > frameBytesMax) this.#seal();
      this.#frame.begin();
    }
    this.#frame.add(partition, source, start, end);
    this.#next++;
  }

  /** Who added the records has ended: of a command of which not all has come, nothing is written. */
  abandonCommand(): void {
    if (!this.#isMidCommand) return;
    this.#isMidCommand = false;
    this.#next = this.#begunAt;
    this.#frame.takeBack();
  }

  /** Writes what was added, and syncs it under `always`. */
  commit(): void {
    if (!this.#frame.isEmpty && !this.#isMidCommand) this.#seal();
    if (this.#unwritten === this.#synced) return;
    const policy = this.#options.policy.now;
    // Nothing else can be done meanwhile: the thread itself does it.
    if (policy === 'always') this.#sync();
    else if (policy === 'everysec' && this.#syncing === 0 && this.#syncDueMs === Number.POSITIVE_INFINITY) {
      this.#syncDueMs = this.#options.nowMs() + SYNC_EVERY_MS;
    }
  }

  tick(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs >= this.#retryDueMs) this.#retry();
    if (this.#syncing > 0 && !this.#options.disk.isSyncing) this.#endSync();
    if (nowMs >= this.#syncDueMs) this.#beginSync();
    if (nowMs >= this.#checkedMs + CHECK_EVERY_MS) this.#check(nowMs);
  }

  /** There is nothing to do for now: says in the log itself what is on the disk, so that damage to it is told from a tear. */
  mark(): void {
    if (this.#state !== LogState.well || this.#marked === this.#durable || this.#durable !== this.#next) return;
    this.#write(this.#frame.seal(this.#next, this.#durable), this.#next);
    this.#marked = this.#durable;
  }

  /**
   * Begins a new segment, for a snapshot that is to have all before it: segments before can go then. Returns the sequence
   * of the first record that is in it; null: it cannot be had now.
   */
  restart(): number | null {
    this.commit();
    if (this.#state === LogState.well) this.#trouble = null;
    const isAnew = this.#state === LogState.broken || this.#state === LogState.mending;
    // A command's records are not torn apart.
    if (this.#state === LogState.failing || this.#isMidCommand) return null;
    try {
      if (isAnew) {
        this.#options.disk.begin(this.#next, true);
        this.#unwritten = this.#next;
        this.#synced = this.#next;
        this.#options.gate.set('written', this.#next - 1);
        this.#mendFrom = this.#next;
        this.#begun();
        this.#become(LogState.mending);
        // One without records is the new segment already.
      } else if (this.#segmentFirst !== this.#next && !this.#begin()) return null;
    } catch (error) {
      this.#note('begin', error);
      return null;
    }
    return this.#next;
  }

  /** A snapshot has everything below the sequence, which `restart` gave, and is on the disk. */
  mend(sequence: number): void {
    if (this.#state !== LogState.mending || sequence !== this.#mendFrom) return;
    this.#become(LogState.well);
    this.#tellDurable();
  }

  /**
   * Has all be on the disk, whatever the policy. Returns the number of the record that is to come next, and that below
   * which all records are on the disk, or would be but for what a snapshot has to make up for.
   */
  sync(): Synced {
    this.commit();
    this.#sync();
    return { next: this.#next, synced: this.#synced };
  }

  /** As `sync`, and ends; false when something is not on the disk. */
  close(): boolean {
    this.abandonCommand();
    if (!this.#frame.isEmpty) this.#seal();
    if (!this.#queue.isEmpty) this.#retry();
    if (this.#queue.isEmpty) this.#sync();
    this.mark();
    const isComplete = this.#durable === this.#next;
    try {
      this.#options.disk.close();
    } catch (error) {
      this.#options.onTrouble('close', error);
    }
    this.#options.gate.setState(LogState.closed);
    return isComplete;
  }

  #seal(): void {
    const first = this.#next - this.#frame.count;
    this.#write(this.#frame.seal(first, this.#durable), this.#next);
  }

  /** `next`: of the record behind the frame's last. */
  #write(frame: Uint8Array, next: number): void {
    if (this.#queue.isEmpty && this.#append(frame, next)) return;
    if (this.#state === LogState.broken || this.#queue.add(frame, next)) return;
    this.#giveUp();
  }

  #append(frame: Uint8Array, next: number): boolean {
    const { disk, gate, segmentBytesMax } = this.#options;
    try {
      if (this.#whole > segmentBytesMax && !this.#begin()) return false;
      if (disk.length > this.#whole) disk.truncate(this.#whole);
      disk.append(frame);
    } catch (error) {
      this.#fail('write', error);
      return false;
    }
    gate.set('writes', gate.get('writes') + 1);
    gate.set('logBytes', gate.get('logBytes') + frame.length);
    this.#whole += frame.length;
    this.#unwritten = next;
    gate.set('written', next - 1);
    this.#acknowledge();
    return true;
  }

  /** A segment is followed by another only when it is on the disk: what is not whole in it is damaged, and not torn. */
  #begin(): boolean {
    this.#sync();
    if (this.#synced !== this.#unwritten) return false;
    this.#options.disk.begin(this.#unwritten, false);
    this.#begun();
    return true;
  }

  #begun(): void {
    const { disk, gate } = this.#options;
    this.#whole = disk.length;
    this.#segmentFirst = this.#unwritten;
    gate.set('segments', gate.get('segments') + 1);
  }

  #retry(): void {
    this.#retryDueMs = Number.POSITIVE_INFINITY;
    for (let queued = this.#queue.first; queued !== undefined; queued = this.#queue.first) {
      if (!this.#append(queued.frame, queued.next)) return;
      this.#queue.removeFirst();
    }
    if (this.#state === LogState.failing) this.#become(LogState.well);
    this.commit();
  }

  #sync(): void {
    const { disk, nowMs } = this.#options;
    // Of two at once only one is told of an error.
    if (this.#syncing > 0) this.#endSync();
    this.#syncDueMs = Number.POSITIVE_INFINITY;
    if (this.#state === LogState.broken || this.#synced === this.#unwritten) return;
    this.#syncBeganMs = nowMs();
    this.#syncUpTo(this.#unwritten, () => disk.sync());
  }

  /** As `sync`, and writing goes on meanwhile if it can. */
  #beginSync(): void {
    const { disk, nowMs } = this.#options;
    const isNeeded = this.#state !== LogState.broken && this.#syncing === 0 && this.#synced !== this.#unwritten;
    if (!isNeeded || !disk.beginSync()) {
      this.#sync();
      return;
    }
    this.#syncDueMs = Number.POSITIVE_INFINITY;
    this.#syncBeganMs = nowMs();
    this.#syncing = this.#unwritten;
  }

  #endSync(): void {
    const { disk } = this.#options;
    const upTo = this.#syncing;
    this.#syncing = 0;
    // What it is of was given up meanwhile, and is followed by a segment that knows nothing of it.
    const isOfNow = this.#state !== LogState.broken && upTo >= this.#synced;
    if (isOfNow) this.#syncUpTo(upTo, () => disk.endSync());
    this.commit();
  }

  #syncUpTo(next: number, sync: () => void): void {
    const { gate, nowMs } = this.#options;
    try {
      sync();
    } catch (error) {
      this.#break('sync', error);
      return;
    }
    const tookMs = nowMs() - this.#syncBeganMs;
    gate.set('syncs', gate.get('syncs') + 1);
    gate.set('syncMs', gate.get('syncMs') + tookMs);
    gate.set('syncMsMax', Math.max(gate.get('syncMsMax'), tookMs));
    this.#synced = next;
    this.#tellDurable();
  }

  #tellDurable(): void {
    if (this.#state === LogState.mending) return;
    this.#durable = this.#synced;
    this.#options.gate.set('durable', this.#durable - 1);
    this.#acknowledge();
  }

  /** What was lost to the log is acknowledged once a snapshot has it. */
  #acknowledge(): void {
    if (this.#state === LogState.mending || this.#state === LogState.broken) return;
    const before = this.#options.policy.now === 'always' ? this.#durable : this.#unwritten;
    // Under a policy that asked for less, more was told before.
    if (before <= this.#acknowledged) return;
    this.#acknowledged = before;
    this.#options.gate.setAcknowledged(before - 1);
  }

  /** A file that was removed takes whatever is written to it, and all of it is gone with the process. */
  #check(nowMs: number): void {
    this.#checkedMs = nowMs;
    if (this.#state === LogState.broken) return;
    try {
      this.#options.disk.check();
    } catch (error) {
      this.#break('find', error);
    }
  }

  #break(what: string, error: unknown): void {
    this.#note(what, error);
    this.#giveUp();
  }

  /** What waits is not written any more: a snapshot is to have it. */
  #giveUp(): void {
    this.#become(LogState.broken);
    this.#queue.clear();
    this.#retryDueMs = Number.POSITIVE_INFINITY;
    this.#syncDueMs = Number.POSITIVE_INFINITY;
  }

  #fail(what: string, error: unknown): void {
    this.#note(what, error);
    this.#retryDueMs = this.#options.nowMs() + RETRY_MS;
    if (this.#state === LogState.well) this.#become(LogState.failing);
  }

  #note(what: string, error: unknown): void {
    const { gate, onTrouble } = this.#options;
    this.#trouble = error instanceof Error ? error.message : String(error);
    gate.set('errors', gate.get('errors') + 1);
    gate.set('errno', error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : 0);
    onTrouble(what, error);
  }

  #become(state: LogState): void {
    this.#state = state;
    if (state === LogState.well) this.#trouble = null;
    this.#options.gate.setState(state);
  }
}
