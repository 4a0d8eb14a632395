import { ArgsBuffer } from '../src/command/args-buffer.ts';
import type { Command } from '../src/command/command.ts';
import { ReplyKind, type ReplyReader } from '../src/command/reply.ts';
import { commandTable } from '../src/command/table.ts';
import type { TargetSink } from '../src/server/cluster/target.ts';

const keyCount = 10_000;
export const valueBytes = 64;

/** Has a command run; `args` are used again. */
export type Send = (command: Command, args: ArgsBuffer['args'], sink: TargetSink) => void;

/** GETs or SETs of keys made beforehand, so many under way at a time: each answer sends the next. */
export class ForwardLoad {
  wrong = 0;
  readonly #commands: ArgsBuffer[] = [];
  readonly #row: Command;
  readonly #right: ReplyKind;

  constructor(name: 'get' | 'set') {
    this.#row = commandTable.named(name);
    this.#right = name === 'get' ? ReplyKind.bulk : ReplyKind.status;
    const value = new Uint8Array(valueBytes).fill(0x78);
    for (let number = 0; number < keyCount; number++) {
      const command = new ArgsBuffer().begin().text(`key:${String(number).padStart(12, '0')}`);
      if (name === 'set') command.bytes(value);
      this.#commands.push(command);
    }
  }

  run(send: Send, count: number, depth: number): Promise<void> {
    return new Promise((resolve) => {
      let sent = 0;
      let answered = 0;
      let isSending = false;
      const next = (): void => {
        // An answer that is there at once must not send from within.
        if (isSending) return;
        isSending = true;
        while (sent < count && sent - answered < depth) {
          send(this.#row, (this.#commands[sent++ % keyCount] as ArgsBuffer).args, sink);
        }
        isSending = false;
      };
      const onAnswer = (isRight: boolean): void => {
        if (!isRight) this.wrong++;
        answered++;
        if (answered === count) resolve();
        else next();
      };
      const sink: TargetSink = {
        onReply: (reply: ReplyReader) => onAnswer(reply.kind === this.#right),
        onRefused: () => onAnswer(false),
      };
      next();
    });
  }
}

/** What a piece of work took. Processor time is that of all threads of the process. */
export interface Taken {
  readonly elapsedMs: number;
  readonly processorUs: number;
}

export async function taken(work: () => Promise<void>): Promise<Taken> {
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await work();
  const elapsedMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(before);
  return { elapsedMs, processorUs: user + system };
}
