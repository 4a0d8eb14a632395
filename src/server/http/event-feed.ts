import { ChangeFlag, ChangeKind, interestInAll } from '../../base/change.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import { eventId, eventTypeOf, keyFields, tagFields } from '../../protocol/http/event-frame.ts';
import type { Change, ChangesListener } from '../dispatch/change-hub.ts';
import { EventHistory, type HeldEvent, sizeOf } from './event-history.ts';

/** Where changes are told. */
export interface ChangesPort {
  /** Until the function returned is called. */
  listen(listener: ChangesListener, interest: number): () => void;
}

export interface EventFeedOptions {
  /** Events held for those who come back. */
  readonly historyBytesMax: number;
  /** How long the history goes on when nobody listens any more. */
  readonly historyMs: number;
  readonly heartbeatMs: number;
}

/** Reads the feed at its own pace. */
export interface FeedReader {
  /** There may be new events; called once a turn at most, unless many come. */
  pump(): void;
  /** Nothing came for a while. */
  beat(): void;
  end(): void;
}

const noKey = new Uint8Array(0);

/**
 * The changes of the node's keys as numbered events with a history. Nothing listens, and writes cost nothing more, before
 * the first reader comes and once the history's time is over after the last has gone: the history then begins anew
 * under another epoch, so that no id of the one is taken for one of the other.
 */
export class EventFeed implements ChangesListener {
  history: EventHistory;
  #epoch = '';
  readonly #changes: ChangesPort;
  readonly #options: EventFeedOptions;
  readonly #newEpoch: () => string;
  readonly #readers = new Set<FeedReader>();
  #stopListening: (() => void) | null = null;
  #stopTimer: NodeJS.Timeout | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #pumpTimer: NodeJS.Immediate | null = null;
  /** Bytes of events that readers were not told of yet. */
  #untoldBytes = 0;

  /** `newEpoch`: 16 hexadecimal digits, not to be foreseen. */
  constructor(changes: ChangesPort, options: EventFeedOptions, newEpoch: () => string) {
    this.#changes = changes;
    this.#options = options;
    this.#newEpoch = newEpoch;
    this.history = new EventHistory(options.historyBytesMax);
  }

  get readerCount(): number {
    return this.#readers.size;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** The id of the latest event before `number`. */
  idBefore(number: number): string {
    return eventId(this.#epoch, number - 1);
  }

  /** Sees to it that changes are listened to: before a reader looks at the history. */
  open(): void {
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    this.#stopTimer = null;
    if (this.#stopListening !== null) return;
    this.history = new EventHistory(this.#options.historyBytesMax);
    this.#epoch = this.#newEpoch();
    this.#stopListening = this.#changes.listen(this, interestInAll);
  }

  add(reader: FeedReader): void {
    this.#readers.add(reader);
    this.#heartbeat ??= setInterval(() => {
      for (const each of this.#readers) each.beat();
    }, this.#options.heartbeatMs).unref();
  }

  delete(reader: FeedReader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
    this.#stopTimer = setTimeout(() => this.#stop(), this.#options.historyMs).unref();
  }

  /** Ends all readers, and listens no more. */
  close(): void {
    for (const reader of this.#readers) reader.end();
    this.#stop();
  }

  onChange({ kind, bytes, start, end, flags, shard }: Readonly<Change>): void {
    const type = eventTypeOf(kind);
    if (kind === ChangeKind.cleared) {
      this.#add({ type, key: noKey, data: JSON.stringify({ shard }) });
      return;
    }
    const key = copyOf(bytes, start, end);
    if (kind === ChangeKind.invalidated) {
      const isSoft = (flags & ChangeFlag.soft) !== 0;
      this.#add({ type, key: noKey, data: JSON.stringify({ ...tagFields(key), soft: isSoft, shard }) });
      return;
    }
    const more = kind === ChangeKind.set ? { created: (flags & ChangeFlag.created) !== 0 } : undefined;
    this.#add({ type, key, data: JSON.stringify({ ...keyFields(key), ...more }) });
  }

  onLost(shard: number): void {
    this.#add({ type: 'gap', key: noKey, data: JSON.stringify({ reason: 'shard-restarted', shard }) });
  }

  #add(event: HeldEvent): void {
    this.#untoldBytes += sizeOf(event);
    // Those who read fast enough must not lose what they had no turn to read.
    if (this.#untoldBytes * 2 > this.#options.historyBytesMax) this.#pump();
    this.history.add(event);
    this.#pumpTimer ??= setImmediate(() => this.#pump());
  }

  #pump(): void {
    if (this.#pumpTimer !== null) clearImmediate(this.#pumpTimer);
    this.#pumpTimer = null;
    this.#untoldBytes = 0;
    for (const reader of this.#readers) reader.pump();
  }

  #stop(): void {
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    if (this.#pumpTimer !== null) clearImmediate(this.#pumpTimer);
    this.#stopTimer = null;
    this.#heartbeat = null;
    this.#pumpTimer = null;
    this.#stopListening?.();
    this.#stopListening = null;
  }
}
