import type { Args } from '../src/command/args.ts';
import { ArgsBuffer } from '../src/command/args-buffer.ts';
import { ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import type { Push, PushFormat, PushTarget } from '../src/server/pubsub/push.ts';
import { AfterReplies } from '../src/server/session/after-replies.ts';
import { readValue, toBytes, type Value, type Word } from './command-runner.ts';

/** Tells what a push holds instead of writing it in a protocol. */
let decoded: Value = null;
const recording: PushFormat = {
  index: 0,
  encode(reader) {
    decoded = readValue(reader);
    return Buffer.from(JSON.stringify(decoded));
  },
};

/** A connection that keeps what is pushed to it, and whose replies are owed for as long as a test wants. */
export class RecordingTarget implements PushTarget {
  readonly id: number;
  resp: 2 | 3 = 3;
  user: PushTarget['user'] = { mayUseKey: () => true };
  taken = 0;
  answered = 0;
  readonly pushes: Push[] = [];
  readonly #after = new AfterReplies();

  constructor(id = 1) {
    this.id = id;
  }

  /** What was pushed since this was called last. */
  take(): Value[] {
    const values = this.pushes.map((push) => JSON.parse(Buffer.from(push.encodedAs(recording)).toString()) as Value);
    this.pushes.length = 0;
    return values;
  }

  answer(count: number): void {
    this.answered += count;
    this.#after.run(this.answered);
  }

  send(push: Push): void {
    this.pushes.push(push);
  }

  whenAnswered(task: () => void): void {
    if (this.taken === this.answered) task();
    else this.#after.add(this.taken, task);
  }
}

export function argsOf(...words: readonly Word[]): Args {
  const buffer = new ArgsBuffer().begin();
  for (const word of words) buffer.bytes(toBytes(word));
  return buffer.args;
}

/** What `run` writes to a reply: all its parts. */
export function replyOf(run: (reply: ReplyWriter) => void): Value[] {
  const writer = new ReplyWriter();
  run(writer);
  const reader = new ReplyReader();
  const parts: Value[] = [];
  if (writer.length === 0) return parts;
  reader.openWritten(writer);
  parts.push(readValue(reader));
  while (!reader.done) {
    reader.next();
    parts.push(readValue(reader));
  }
  return parts;
}
