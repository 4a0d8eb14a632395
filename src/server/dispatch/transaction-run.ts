import { assert } from '../../base/assert.ts';
import { copyOf } from '../../base/copy-bytes.ts';
import { Args } from '../../command/args.ts';
import type { Command, NodeCommand, SurveyParts } from '../../command/command.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { tellTooLarge } from '../../command/tell-too-large.ts';
import { gatherReplies } from '../../routing/gather.ts';
import type { KeyMap } from '../../routing/key-plan.ts';
import { Admission, type ReplySink } from '../../shard/shard-client.ts';
import type { BarrierSlots } from './barrier-slots.ts';
import type { OrderedSession } from './ordered-session.ts';
import type { RunCount } from './run-count.ts';
import type { Transaction, WatchedKey } from './transaction.ts';
import { type Place, TransactionPlan } from './transaction-plan.ts';
import type { RunOnConnection } from './transaction-queue.ts';

/** What a transaction under way asks of the dispatcher. */
export interface TransactionShards extends RunCount {
  readonly map: KeyMap;
  /** Limit of the reply. */
  readonly replyBytesMax: () => number;
  /** Places at the barrier, for transactions over several shards. */
  readonly slots: BarrierSlots;
  /** Writes the part of one shard to where it will be sent from. */
  prepareExec(shard: number, args: Args): Admission;
  commitExec(shard: number, sink: ReplySink, session: OrderedSession | null): void;
  /** A promise when the reply is written later. */
  runOnNode(command: NodeCommand & Command, args: Args, reply: ReplyWriter): undefined | Promise<void>;
  refuseAdmission(sink: ReplySink, admission: Admission): void;
  answerDefect(command: Command, error: unknown, reply: ReplyWriter): void;
}

/** One transaction from EXEC to its reply. */
export class TransactionRun {
  readonly #shards: TransactionShards;
  readonly #transaction: Transaction;
  readonly #plan: TransactionPlan;
  readonly #runOnConnection: RunOnConnection | null;
  readonly #sink: ReplySink;
  readonly #session: OrderedSession | null;
  /** By part: the shard's reply. */
  readonly #replies: ReplyReader[] = [];
  #missing = 0;
  #slot = -1;
  /** Replies of the commands run on this thread, by command. */
  readonly #own = new Map<number, ReplyWriter>();
  /** Of the newest of these, and bytes of those before it. */
  #newest: ReplyWriter | null = null;
  #ownBytes = 0;

  constructor(
    shards: TransactionShards,
    transaction: Transaction,
    watched: readonly WatchedKey[],
    runOnConnection: RunOnConnection | null,
    sink: ReplySink,
    session: OrderedSession | null,
  ) {
    this.#shards = shards;
    this.#transaction = transaction;
    this.#plan = new TransactionPlan(shards.map, transaction, watched);
    this.#runOnConnection = runOnConnection;
    this.#sink = sink;
    this.#session = session;
  }

  start(): void {
    const { parts } = this.#plan;
    if (this.#transaction.needsConnection) this.#session?.block();
    if (parts.length === 0) {
      this.#conclude();
      return;
    }
    const admission = this.#prepare();
    if (admission !== Admission.taken) {
      this.#free();
      this.#shards.refuseAdmission(this.#sink, admission);
      if (this.#transaction.needsConnection) this.#session?.unblock();
      return;
    }
    this.#missing = parts.length;
    const alone = parts.length === 1;
    for (const [number, { shard }] of parts.entries()) {
      const reader = new ReplyReader();
      this.#replies.push(reader);
      const onReply = (reply: ReplyReader): void => this.#onReply(number, reply);
      this.#shards.commitExec(
        shard,
        alone && this.#own.size === 0 && this.#isWhole() ? this.#sink : { onReply },
        this.#session,
      );
    }
  }

  /** Nothing is sent before every shard has room for its part: a transaction that is refused has not run anywhere. */
  #prepare(): Admission {
    const { parts } = this.#plan;
    if (parts.length > 1) {
      this.#slot = this.#shards.slots.take();
      if (this.#slot < 0) return Admission.overloaded;
    }
    const args = new Args();
    let admission: Admission = Admission.taken;
    for (let ordinal = 0; ordinal < parts.length && admission === Admission.taken; ordinal++) {
      this.#plan.argsOf(ordinal, this.#slot, args);
      admission = this.#shards.prepareExec((parts[ordinal] as (typeof parts)[number]).shard, args);
    }
    return admission;
  }

  /** Whether the one shard's reply is that of the whole transaction. */
  #isWhole(): boolean {
    return this.#plan.places.every((place) => place.shards.length === 1);
  }

  #onReply(number: number, reply: ReplyReader): void {
    const start = reply.partStart;
    reply.skip();
    const bytes = copyOf(reply.bytes, start, reply.nextStart);
    (this.#replies[number] as ReplyReader).open(bytes, 0, bytes.length);
    this.#missing--;
    if (this.#missing > 0) return;
    this.#free();
    this.#conclude();
  }

  #free(): void {
    if (this.#slot >= 0) this.#shards.slots.give(this.#slot);
    this.#slot = -1;
  }

  /** All shards have answered. */
  #conclude(): void {
    const outcome = this.#outcome();
    if (outcome !== null) {
      this.#sink.onReply(outcome);
      if (this.#transaction.needsConnection) this.#session?.unblock();
      return;
    }
    const pending = this.#runOwn(0);
    if (pending === null) {
      this.#deliver();
      return;
    }
    this.#shards.runBegan();
    // Only an assertion rejects it, which ends the thread, as one that is thrown at once does.
    void pending.then(() => {
      this.#shards.runEnded();
      this.#deliver();
    });
  }

  /** The reply of a transaction that did not run: an error, or null for a watched key that changed. */
  #outcome(): ReplyReader | null {
    // What a shard knows comes before what is not known of one that died.
    const errors = this.#replies.filter((reply) => reply.kind === ReplyKind.error);
    const known = errors.filter((reply) => reply.errorCode !== 'indeterminate');
    // One that gave up knows why; the others only that one did.
    const why = known.find((reply) => reply.errorCode !== 'overloaded') ?? known[0];
    return why ?? errors[0] ?? this.#replies.find((reply) => reply.kind === ReplyKind.nullArray) ?? null;
  }

  /** Runs the commands of this thread from number `from` on; a promise when one of them takes several turns. */
  #runOwn(from: number): Promise<void> | null {
    const { commands } = this.#transaction;
    for (let index = from; index < commands.length; index++) {
      const command = commands[index] as Command;
      if (command.kind !== 'node' && command.kind !== 'connection') continue;
      const args = new Args();
      this.#transaction.argsOf(index, args);
      const reply = this.#ownReply(index);
      let settled: unknown = null;
      try {
        if (command.kind === 'node') settled = this.#shards.runOnNode(command, args, reply);
        else settled = this.#runOnConnection?.(command, args, reply);
      } catch (error) {
        this.#shards.answerDefect(command, error, reply);
      }
      if (settled instanceof Promise) {
        return settled
          .catch((error: unknown) => this.#shards.answerDefect(command, error, reply))
          .then(() => this.#runOwn(index + 1) ?? undefined);
      }
    }
    return null;
  }

  /** The replies that are kept share one limit. */
  #ownReply(index: number): ReplyWriter {
    this.#ownBytes += this.#newest?.length ?? 0;
    const reply = new ReplyWriter();
    reply.limit(this.#shards.replyBytesMax(), this.#ownBytes);
    this.#newest = reply;
    this.#own.set(index, reply);
    return reply;
  }

  #deliver(): void {
    const out = new ReplyWriter();
    out.limit(this.#shards.replyBytesMax());
    try {
      this.#gatherAll(out);
    } catch (error) {
      if (!tellTooLarge(error, 'write', out)) throw error;
    }
    const reader = new ReplyReader();
    reader.openWritten(out);
    try {
      this.#sink.onReply(reader);
    } finally {
      if (this.#transaction.needsConnection) this.#session?.unblock();
    }
  }

  #gatherAll(out: ReplyWriter): void {
    const { places, parts } = this.#plan;
    const replyOfShard = new Map(parts.map(({ shard }, number) => [shard, this.#replies[number] as ReplyReader]));
    out.array(places.length);
    for (const [index, place] of places.entries()) {
      const own = this.#own.get(index);
      if (own !== undefined) appendFirst(own, out);
      else this.#gather(this.#transaction.commands[index] as Command, place, replyOfShard, out);
    }
    // EXEC has one element a command; what else SUBSCRIBE told of is sent as its messages are.
    for (const own of this.#own.values()) appendRest(own, out);
  }

  /** Takes the next element of each shard that did a part of the command, and makes one reply of them. */
  #gather(command: Command, place: Place, replyOfShard: ReadonlyMap<number, ReplyReader>, out: ReplyWriter): void {
    const elements = place.shards.map((shard) => {
      const reply = replyOfShard.get(shard);
      assert(reply !== undefined, 'a shard that does a part of a command takes part');
      reply.next();
      const start = reply.partStart;
      reply.skip();
      const element = new ReplyReader();
      element.open(reply.bytes, start, reply.nextStart);
      return element;
    });
    const [only] = elements;
    if (elements.length === 1 && only !== undefined) copyElement(only, out);
    else if (place.plan !== null && (command.kind === 'read' || command.kind === 'write')) {
      gatherReplies(command.gather, place.plan, elements, elements.length, out);
    } else if (command.kind === 'survey') gatherSurvey(command.parts, elements, out);
    else copyElement(elements.find((element) => element.kind === ReplyKind.error) ?? (only as ReplyReader), out);
  }
}

/** Makes one reply of those that the shards, or nodes, gave to a survey; each is at its first part. */
export function gatherSurvey(parts: SurveyParts, elements: readonly ReplyReader[], out: ReplyWriter): void {
  const error = elements.find((element) => element.kind === ReplyKind.error);
  if (error !== undefined) {
    copyElement(error, out);
  } else if (parts === 'sum') {
    out.integer(elements.reduce((sum, element) => sum + element.number, 0));
  } else if (parts === 'concat') {
    out.array(elements.reduce((sum, element) => sum + element.count, 0));
    for (const element of elements) {
      const start = element.nextStart;
      element.skip();
      out.part(element.bytes, start, element.nextStart);
    }
  } else {
    const found = elements.filter((element) => element.kind !== ReplyKind.null);
    const chosen = found[Math.floor(Math.random() * found.length)] ?? elements[0];
    copyElement(chosen as ReplyReader, out);
  }
}

/** Copies the part that the reader stands on. */
function copyElement(element: ReplyReader, out: ReplyWriter): void {
  const start = element.partStart;
  element.skip();
  out.part(element.bytes, start, element.nextStart);
}

/** Copies the first part of a reply, without its attribute; of a reply without parts there is null. */
function appendFirst(reply: ReplyWriter, out: ReplyWriter): void {
  if (reply.length === 0) {
    out.null();
    return;
  }
  const reader = new ReplyReader();
  reader.openWritten(reply);
  copyElement(reader, out);
}

/** Copies all parts of a reply but the first. */
function appendRest(reply: ReplyWriter, out: ReplyWriter): void {
  if (reply.length === 0) return;
  const reader = new ReplyReader();
  reader.openWritten(reply);
  reader.skip();
  if (!reader.done) out.part(reply.bytes, reader.nextStart, reply.length);
}
