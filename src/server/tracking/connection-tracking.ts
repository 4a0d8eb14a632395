import { byteText } from '../../base/byte-text.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { TrackingPort } from '../../command/connection.ts';
import { isWord, syntaxError } from '../../command/options.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import { lastKeyOf } from '../../command/table.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { ConnectionSubscriptions } from '../pubsub/connection-subscriptions.ts';
import type { PushTarget } from '../pubsub/push.ts';
import { brokenRedirection, type Invalidation } from './invalidation.ts';
import { LateInvalidations } from './late-invalidations.ts';
import { KeyReader } from './tracked-keys.ts';
import type { Tracker, TrackingClient } from './tracker.ts';
import { prefixFault, type TrackingOptions, trackingOptionsOf } from './tracking-options.ts';

const off: TrackingOptions = {
  isOn: false,
  redirectTo: 0,
  isBroadcast: false,
  isOptIn: false,
  isOptOut: false,
  isNoLoop: false,
  isScoped: false,
  prefixes: [],
};

/** A second invalidation of everything within so long says nothing new to one who has read nothing since. */
const REPEAT_MS = 100;

/** CLIENT TRACKING of one connection. */
export class ConnectionTracking implements TrackingPort, TrackingClient {
  /** Whether `willRead` and `ran` are to be called. */
  isOn = false;
  reader: KeyReader<TrackingClient> | null = null;
  readonly #tracker: Tracker;
  readonly #target: PushTarget;
  readonly #subscriptions: ConnectionSubscriptions;
  readonly #session: OrderedSession;
  readonly #late: LateInvalidations;
  #options = off;
  /** CLIENT CACHING was given, for the command that follows. */
  #isCachingSaid = false;
  #isRedirectionBroken = false;
  readonly #prefixes = new Set<string>();
  /** Keys that the queued commands of MULTI read. */
  #queuedKeys: string[] = [];
  /** Commands taken when keys were read last: once these are answered, the client has what it read. */
  #readAt = 0;
  /** When it was told that everything may have changed, if it has noted no key since; else 0. */
  #emptiedAtMs = 0;

  /** `session` is the one the connection's commands are run for. */
  constructor(tracker: Tracker, target: PushTarget, subscriptions: ConnectionSubscriptions, session: OrderedSession) {
    this.#tracker = tracker;
    this.#target = target;
    this.#subscriptions = subscriptions;
    this.#session = session;
    this.#late = new LateInvalidations(target, (invalidation) => this.#tell(invalidation));
    tracker.attach(this);
  }

  get id(): number {
    return this.#target.id;
  }

  get deafTo(): OrderedSession | null {
    return this.#options.isNoLoop ? this.#session : null;
  }

  // Commands.

  tracking(args: Args, reply: ReplyWriter): void {
    const options = trackingOptionsOf(args, (id) => this.#tracker.byId(id) !== undefined, reply);
    if (options === null) return;
    if (!options.isOn) {
      this.#turnOff();
      reply.ok();
      return;
    }
    const fault = this.#faultOf(options);
    if (fault !== null) {
      reply.error('bad-request', fault);
      return;
    }
    this.#turnOn(options);
    reply.ok();
  }

  caching(args: Args, reply: ReplyWriter): void {
    const fault = (text: string): void => reply.error('bad-request', text);
    if (!this.isOn) {
      fault('CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled');
    } else if (isWord(args, 1, 'YES')) {
      if (this.#options.isOptIn) this.#sayCaching(reply);
      else fault('CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
    } else if (isWord(args, 1, 'NO')) {
      if (this.#options.isOptOut) this.#sayCaching(reply);
      else fault('CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
    } else {
      syntaxError(reply);
    }
  }

  info(reply: ReplyWriter): void {
    const { isBroadcast, isOptIn, isOptOut, isNoLoop, isScoped } = this.#options;
    const flags = [this.isOn ? 'on' : 'off'];
    if (isBroadcast) flags.push('bcast');
    if (isOptIn) flags.push('optin');
    if (isOptIn && this.#isCachingSaid) flags.push('caching-yes');
    if (isOptOut) flags.push('optout');
    if (isOptOut && this.#isCachingSaid) flags.push('caching-no');
    if (isNoLoop) flags.push('noloop');
    if (isScoped) flags.push('scoped');
    if (this.#isRedirectionBroken) flags.push('broken_redirect');
    reply.map(3);
    reply.bulkText('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.bulkText(flag);
    reply.bulkText('redirect');
    reply.integer(this.redirectId);
    reply.bulkText('prefixes');
    const prefixes = [...this.#prefixes].sort((one, other) => (one < other ? -1 : 1));
    reply.array(prefixes.length);
    for (const prefix of prefixes) {
      const at = reply.bulkOf(0, prefix.length);
      reply.bytes.set(Buffer.from(prefix, 'latin1'), at);
    }
  }

  get redirectId(): number {
    return this.isOn ? this.#options.redirectTo : -1;
  }

  redirect(reply: ReplyWriter): void {
    reply.integer(this.redirectId);
  }

  // What the session tells of.

  /** A command is about to be run, and counted among those taken. To be called while `isOn`. */
  willRead(command: Command, args: Args): void {
    if (command.kind !== 'read' || command.keys.step === 0) return;
    if (this.#options.isBroadcast) {
      this.#readAt = this.#target.taken;
      return;
    }
    const reader = this.reader;
    if (reader === null || !this.#isWanted) return;
    const { first, step } = command.keys;
    const last = lastKeyOf(command, args);
    this.#tracker.makeRoom(Math.floor((last - first) / step) + 1);
    for (let at = first; at <= last; at += step) {
      this.#tracker.note(byteText(args.bytes, args.start(at), args.end(at)), reader);
    }
    this.#readAt = this.#target.taken;
    this.#emptiedAtMs = 0;
  }

  /** A command was queued by MULTI: what it reads is noted when EXEC comes. To be called while `isOn`. */
  queued(command: Command, args: Args): void {
    if (command.kind !== 'read' || command.keys.step === 0 || !this.#isWanted) return;
    const last = lastKeyOf(command, args);
    for (let at = command.keys.first; at <= last; at += command.keys.step) {
      this.#queuedKeys.push(byteText(args.bytes, args.start(at), args.end(at)));
    }
  }

  /** EXEC is about to be run, and counted among the commands taken. To be called while `isOn`. */
  willExec(): void {
    const keys = this.#queuedKeys;
    this.#queuedKeys = [];
    this.#isCachingSaid = false;
    if (keys.length === 0) return;
    this.#readAt = this.#target.taken;
    const reader = this.reader;
    if (reader === null) return;
    this.#tracker.makeRoom(keys.length);
    for (const key of keys) this.#tracker.note(key, reader);
    this.#emptiedAtMs = 0;
  }

  /** A command was handed over, and not queued by MULTI. To be called while `isOn`. */
  ran(command: Command): void {
    if (this.#isCachingSaid && command.keepsCaching !== true) this.#isCachingSaid = false;
    // Whatever was queued was discarded.
    if (this.#queuedKeys.length > 0) this.#queuedKeys = [];
  }

  /** RESET. */
  reset(): void {
    this.#turnOff();
  }

  /** The connection is gone. */
  close(): void {
    this.#turnOff();
    this.#tracker.detach(this);
  }

  // What the tracker tells of.

  mayBeTold(key: Uint8Array): boolean {
    return this.#target.user?.mayUseKey(key, 0, key.length) === true;
  }

  /**
   * Tells the client at once; and again behind replies of reads that are owed, which may hold what was read before the
   * change: told of it only before, the client would keep that.
   */
  invalidate(invalidation: Invalidation): void {
    this.#tell(invalidation);
    if (this.#readAt > this.#target.answered) this.#late.add(invalidation, this.#readAt);
  }

  invalidateAll(everything: Invalidation): void {
    if (!this.#options.isBroadcast) {
      // Every shard tells of a FLUSHALL by itself.
      const nowMs = performance.now();
      if (this.#emptiedAtMs > 0 && nowMs - this.#emptiedAtMs < REPEAT_MS) return;
      this.#emptiedAtMs = nowMs;
    }
    this.invalidate(everything);
  }

  invalidatePart(part: Invalidation, everything: Invalidation): void {
    const { isScoped, isBroadcast } = this.#options;
    if (isScoped) this.invalidate(part);
    // Who has noted no key has kept none.
    else if (isBroadcast || (this.reader !== null && this.reader.keyCount > 0)) this.invalidateAll(everything);
  }

  #tell(invalidation: Invalidation): void {
    const { redirectTo } = this.#options;
    if (!this.isOn) return;
    if (redirectTo === 0) {
      // RESP2 has no way to tell, but by another connection.
      if (this.#target.resp === 3) this.#target.send(invalidation.push);
      return;
    }
    const other = this.#tracker.byId(redirectTo);
    if (other !== undefined) {
      other.receive(invalidation);
      return;
    }
    this.#isRedirectionBroken = true;
    if (this.#target.resp === 3) this.#target.send(brokenRedirection(redirectTo));
  }

  /** Another connection's invalidation was redirected to this one. */
  receive(invalidation: Invalidation): void {
    if (this.#target.resp === 3) this.#target.send(invalidation.push);
    else if (this.#subscriptions.isSubscribed) this.#subscriptions.push(invalidation.message);
  }

  /** Whether keys of the next command are to be noted, as far as CLIENT CACHING decides that. */
  get #isWanted(): boolean {
    const { isOptIn, isOptOut } = this.#options;
    return !(isOptIn && !this.#isCachingSaid) && !(isOptOut && this.#isCachingSaid);
  }

  #sayCaching(reply: ReplyWriter): void {
    this.#isCachingSaid = true;
    reply.ok();
  }

  /** Why tracking cannot be turned on so; null when it can. Redis's texts. */
  #faultOf(options: TrackingOptions): string | null {
    const { isBroadcast, isOptIn, isOptOut, isScoped, redirectTo, prefixes } = options;
    const present = this.#options;
    const notBefore = 'before disabling tracking for this client, and then re-enabling it with a different mode.';
    if (!isBroadcast && prefixes.length > 0) return 'PREFIX option requires BCAST mode to be enabled';
    if (this.isOn && isBroadcast !== present.isBroadcast) return `You can't switch BCAST mode on/off ${notBefore}`;
    if (isBroadcast && (isOptIn || isOptOut)) return 'OPTIN and OPTOUT are not compatible with BCAST';
    if (isScoped && redirectTo !== 0) return 'SCOPED is not compatible with REDIRECT';
    if (isOptIn && isOptOut) return "You can't specify both OPTIN mode and OPTOUT mode";
    if ((isOptIn && present.isOptOut) || (isOptOut && present.isOptIn)) {
      return `You can't switch OPTIN/OPTOUT mode ${notBefore}`;
    }
    return prefixFault(prefixes, this.#prefixes);
  }

  #turnOn(options: TrackingOptions): void {
    this.#options = options;
    this.#isRedirectionBroken = false;
    this.isOn = true;
    this.#tracker.begin(this);
    if (!options.isBroadcast) {
      this.reader ??= new KeyReader<TrackingClient>(this);
      return;
    }
    // Without prefixes it is told of all keys.
    for (const prefix of options.prefixes.length === 0 ? [''] : options.prefixes) {
      this.#prefixes.add(prefix);
      this.#tracker.addPrefix(prefix, this);
    }
  }

  #turnOff(): void {
    for (const prefix of this.#prefixes) this.#tracker.deletePrefix(prefix, this);
    this.#prefixes.clear();
    this.#late.clear();
    this.#queuedKeys = [];
    const reader = this.reader;
    this.reader = null;
    this.#tracker.end(this, reader);
    this.#options = off;
    this.#isCachingSaid = false;
    this.#isRedirectionBroken = false;
    this.#emptiedAtMs = 0;
    this.isOn = false;
  }
}
