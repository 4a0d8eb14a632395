import { ChangeFlag, ChangeKind, interestIn } from '../../base/change.ts';
import { eventNameOf } from '../../command/event-name.ts';
import type { Change, ChangesListener } from '../dispatch/change-hub.ts';
import type { Channels } from './channels.ts';
import {
  NotificationFlag,
  notificationClassOf,
  notificationFlagsOf,
  notificationTextOf,
} from './notification-flags.ts';

/** What tells of changes: the node's `ChangeHub`. */
export interface ChangeSource {
  listen(listener: ChangesListener, interest: number): () => void;
}

const keyspace = Buffer.from('__keyspace@0__:');
const keyevent = Buffer.from('__keyevent@0__:');

/** Cleared is missing: Redis tells nothing of FLUSHALL. */
const interest = interestIn(
  ChangeKind.set,
  ChangeKind.removed,
  ChangeKind.expiry,
  ChangeKind.expired,
  ChangeKind.evicted,
  ChangeKind.invalidated,
);

/**
 * Publishes what becomes of keys as Redis does: https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/
 * On `__keyspace@0__:KEY` the event's name, on `__keyevent@0__:EVENT` the key. Shards are asked to tell of changes only
 * while something is asked for, and users only of keys they may use. Changes that a shard could not tell of because its actor died are not made up for.
 *
 * Redis's events of reads that find nothing (`m`) and of types that there are none of are taken and never come.
 */
export class KeyspaceNotifications implements ChangesListener {
  readonly #source: ChangeSource;
  readonly #channels: Pick<Channels, 'publish' | 'isIdle'>;
  #flags = 0;
  #stopListening: (() => void) | null = null;
  /** By event: the channel its keys are published on, and its name. */
  readonly #events = new Map<string, { readonly channel: Uint8Array; readonly name: Uint8Array }>();

  constructor(source: ChangeSource, channels: Pick<Channels, 'publish' | 'isIdle'>) {
    this.#source = source;
    this.#channels = channels;
  }

  /** What is asked for, as CONFIG GET tells `notify-keyspace-events`. */
  get flags(): string {
    return notificationTextOf(this.#flags);
  }

  /** Takes letters such as `KEA`, none to end all; false, with nothing changed, when one means nothing. */
  set(text: string): boolean {
    const flags = notificationFlagsOf(text);
    if (flags === null) return false;
    this.#flags = flags;
    const wanted = (flags & (NotificationFlag.keyspace | NotificationFlag.keyevent)) !== 0;
    if (wanted) {
      this.#stopListening ??= this.#source.listen(this, interest);
    } else {
      this.#stopListening?.();
      this.#stopListening = null;
    }
    return true;
  }

  onChange(change: Readonly<Change>): void {
    if (this.#channels.isIdle) return;
    const { kind, flags, row } = change;
    if (kind === ChangeKind.set && (flags & ChangeFlag.created) !== 0) {
      if ((this.#flags & NotificationFlag.created) !== 0) this.#publish('new', change);
    }
    const event = eventNameOf(kind, row, flags);
    if (event === null || (this.#flags & notificationClassOf(kind, event)) === 0) return;
    this.#publish(event, change);
  }

  onLost(): void {
    // What was lost cannot be told.
  }

  #publish(event: string, change: Readonly<Change>): void {
    let names = this.#events.get(event);
    if (names === undefined) {
      const name = Buffer.from(event);
      names = { channel: Buffer.concat([keyevent, name]), name };
      this.#events.set(event, names);
    }
    const key = Buffer.from(change.bytes.buffer, change.bytes.byteOffset + change.start, change.end - change.start);
    // A tag is no key: it has no channel of its own.
    if ((this.#flags & NotificationFlag.keyspace) !== 0 && change.kind !== ChangeKind.invalidated) {
      this.#channels.publish(Buffer.concat([keyspace, key]), names.name, key);
    }
    if ((this.#flags & NotificationFlag.keyevent) !== 0) this.#channels.publish(names.channel, key, key);
  }
}
