import type { Command, Gather } from '../../command/command.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { tellTooLarge } from '../../command/tell-too-large.ts';
import { gatherReplies } from '../../routing/gather.ts';
import { type KeyMap, KeyPlan } from '../../routing/key-plan.ts';
import type { ReplySink } from '../../shard/shard-client.ts';

/** A part's place in a scattered command: keeps the reply until all parts have theirs. */
class PartSink implements ReplySink {
  readonly writer = new ReplyWriter();
  readonly reader = new ReplyReader();
  readonly #owner: Scatter;

  constructor(owner: Scatter) {
    this.#owner = owner;
  }

  onReply(reply: ReplyReader): void {
    const start = reply.partStart;
    reply.skip();
    this.#owner.beginPart(this.writer);
    try {
      this.writer.part(reply.bytes, start, reply.nextStart);
    } catch (error) {
      if (!tellTooLarge(error, this.#owner.kind, this.writer)) throw error;
    }
    this.#owner.endPart(this.writer);
    this.#owner.partsDone(1);
  }
}

/** One command in parts, from its plan to the one reply made of theirs. Used again for another when it is done. */
export class Scatter {
  readonly plan: KeyPlan;
  readonly #parts: PartSink[] = [];
  #gather: Gather = 'all-ok';
  #partCount = 0;
  #missing = 0;
  #sink: ReplySink | null = null;
  readonly #onDone: (scatter: Scatter) => void;
  readonly #readers: ReplyReader[] = [];
  readonly #bytesMax: () => number;
  /** Of the parts that are done. */
  #bytesDone = 0;
  kind: Command['kind'] = 'read';

  /**
   * `onDone` is called when every part has its reply; `finish` may then be called, once. `bytesMax` is the limit of all
   * parts together.
   */
  constructor(map: KeyMap, bytesMax: () => number, onDone: (scatter: Scatter) => void) {
    this.plan = new KeyPlan(map);
    this.#bytesMax = bytesMax;
    this.#onDone = onDone;
  }

  /** Of a part of the plan: whom its reply is to be given to. */
  part(number: number): PartSink {
    for (let next = this.#parts.length; next <= number; next++) {
      const part = new PartSink(this);
      this.#parts.push(part);
      this.#readers.push(part.reader);
    }
    return this.#parts[number] as PartSink;
  }

  /** Says which command's parts are to come; again, when those that came are of no use. */
  beginParts(kind: Command['kind']): void {
    this.kind = kind;
    this.#bytesDone = 0;
  }

  /** A part is about to be written: it has the room that those before it left. */
  beginPart(writer: ReplyWriter): void {
    writer.clear();
    writer.limit(this.#bytesMax(), this.#bytesDone);
  }

  endPart(writer: ReplyWriter): void {
    this.#bytesDone += writer.length;
  }

  /** Says what is to become of the replies; before any part is done. */
  begin(gather: Gather, partCount: number, sink: ReplySink): void {
    this.#gather = gather;
    this.#partCount = partCount;
    this.#missing = partCount;
    this.#sink = sink;
  }

  partsDone(count: number): void {
    this.#missing -= count;
    if (this.#missing === 0) this.#onDone(this);
  }

  /** Writes the command's reply to `out`, and returns whom to give it to. */
  finish(out: ReplyWriter): ReplySink {
    for (let part = 0; part < this.#partCount; part++) {
      const { reader, writer } = this.#parts[part] as PartSink;
      reader.openWritten(writer);
    }
    try {
      gatherReplies(this.#gather, this.plan, this.#readers, this.#partCount, out);
    } catch (error) {
      if (!tellTooLarge(error, this.kind, out)) throw error;
    }
    // A large part's memory is not kept until the next command.
    for (let part = 0; part < this.#partCount; part++) (this.#parts[part] as PartSink).writer.clear();
    const sink = this.#sink as ReplySink;
    this.#sink = null;
    return sink;
  }
}
