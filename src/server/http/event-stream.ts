import { globMatches } from '../../command/glob.ts';
import { eventFrame, eventId, idleFrame, readEventId } from '../../protocol/http/event-frame.ts';
import type { AccessUser } from '../access/rights.ts';
import type { EventFeed, FeedReader } from './event-feed.ts';
import type { HeldEvent } from './event-history.ts';
import type { HttpShared } from './shared.ts';
import type { UwsResponse } from './uws.ts';

/** Which events a stream has. */
export interface EventFilter {
  readonly user: AccessUser;
  /** Of keys; null: all. */
  readonly pattern: Uint8Array | null;
  /** Names of types; null: all. A gap is always told. */
  readonly types: ReadonlySet<string> | null;
}

/** Text handed to the engine at once. */
const CHUNK_UNITS = 64 * 1024;

/**
 * One client that reads events. It has a place in the feed's history and no queue of its own: what it does not take
 * costs nothing but one chunk, and when the history has gone past its place, it is cut off.
 */
export class EventStream implements FeedReader {
  readonly #feed: EventFeed;
  readonly #response: UwsResponse;
  readonly #filter: EventFilter;
  readonly #shared: HttpShared;
  /** Number of the event to be looked at next. */
  #next: number;
  #isOpen = true;
  /** When the client stopped taking what was sent; 0 while it does. */
  #blockedSinceMs = 0;
  /** Something was sent since the last heartbeat. */
  #isBusy = true;

  constructor(feed: EventFeed, response: UwsResponse, filter: EventFilter, shared: HttpShared) {
    this.#feed = feed;
    this.#response = response;
    this.#filter = filter;
    this.#shared = shared;
    this.#next = feed.history.next;
    shared.streams++;
  }

  /** Begins behind the event of `lastId`, or with what comes next when that is empty. The head is written. */
  begin(lastId: string): void {
    const { history, epoch } = this.#feed;
    this.#response.onWritable(() => {
      this.#blockedSinceMs = 0;
      this.pump();
      return true;
    });
    let first = idleFrame(this.#feed.idBefore(history.next));
    if (lastId !== '') {
      const last = readEventId(lastId);
      const isHeld =
        last !== null && last.epoch === epoch && last.number + 1 >= history.first && last.number < history.next;
      this.#next = isHeld ? last.number + 1 : history.first;
      const id = this.#feed.idBefore(this.#next);
      first = isHeld ? idleFrame(id) : eventFrame(id, 'gap', '{"reason":"history"}');
    }
    this.#feed.add(this);
    this.#write(first);
    this.pump();
  }

  pump(): void {
    if (!this.#isOpen) return;
    const { history, epoch } = this.#feed;
    if (this.#next < history.first) {
      this.cutOff();
      return;
    }
    while (this.#blockedSinceMs === 0 && this.#isOpen && this.#next < history.next) {
      let text = '';
      while (this.#next < history.next && text.length < CHUNK_UNITS) {
        const number = this.#next++;
        const event = history.at(number);
        if (this.#wants(event)) text += eventFrame(eventId(epoch, number), event.type, event.data);
      }
      if (text !== '') this.#write(text);
    }
  }

  beat(): void {
    if (this.#blockedSinceMs > 0) {
      if (performance.now() - this.#blockedSinceMs > this.#shared.options.replyTimeoutMs) this.cutOff();
      return;
    }
    // The id moves on even when all events are of others' keys: a client that comes back need not have them held.
    if (!this.#isBusy) this.#write(idleFrame(this.#feed.idBefore(this.#next)));
    this.#isBusy = false;
  }

  end(): void {
    if (!this.#leave()) return;
    this.#response.cork(() => this.#response.end());
  }

  /** The client has gone. */
  gone(): void {
    this.#leave();
  }

  cutOff(): void {
    if (this.#leave()) this.#response.close();
  }

  #leave(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#shared.streams--;
    this.#feed.delete(this);
    return true;
  }

  #wants({ type, key }: HeldEvent): boolean {
    if (type === 'gap') return true;
    const { types, pattern, user } = this.#filter;
    if (types !== null && !types.has(type)) return false;
    if (type === 'flush' || type === 'invalidate') return true;
    if (pattern !== null && !globMatches(pattern, key, 0, key.length)) return false;
    return user.mayUseKey(key, 0, key.length);
  }

  #write(text: string): void {
    this.#isBusy = true;
    const bytes = Buffer.from(text, 'utf8');
    this.#shared.countSent(bytes.length);
    this.#response.cork(() => {
      if (!this.#response.write(bytes)) this.#blockedSinceMs = performance.now();
    });
  }
}
