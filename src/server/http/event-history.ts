import type { EventType } from '../../protocol/http/event-frame.ts';

/** One event as it is held: the key for those who want some keys only, the data as it is sent. */
export interface HeldEvent {
  readonly type: EventType | 'gap';
  /** Empty for events that concern all keys. */
  readonly key: Uint8Array;
  /** JSON. */
  readonly data: string;
}

/** What an event takes beside its key and data, roughly. */
const OVERHEAD_BYTES = 200;
/** Places of dropped events are given back when there are so many, and as many as are in use. */
const DROPPED_MAX = 1024;

/** The latest events, numbered from 1, as many as fit a budget of bytes. */
export class EventHistory {
  /** Numbers of the oldest event held and of the next to come. */
  first = 1;
  next = 1;
  readonly #bytesMax: number;
  #bytes = 0;
  #events: HeldEvent[] = [];
  #dropped = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(event: HeldEvent): void {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    this.next++;
    while (this.#bytes > this.#bytesMax && this.first < this.next) {
      this.#bytes -= sizeOf(this.at(this.first));
      this.first++;
      this.#dropped++;
    }
    if (this.#dropped < DROPPED_MAX || this.#dropped * 2 < this.#events.length) return;
    this.#events = this.#events.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** The event of that number, which must be held. */
  at(number: number): HeldEvent {
    return this.#events[number - this.first + this.#dropped] as HeldEvent;
  }
}

export function sizeOf({ key, data }: HeldEvent): number {
  return key.length + data.length + OVERHEAD_BYTES;
}
