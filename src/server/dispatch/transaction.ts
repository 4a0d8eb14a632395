import { copyBytes } from '../../base/copy-bytes.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';

/** A key that WATCH named, and what it held then. */
export interface WatchedKey {
  readonly key: Uint8Array;
  /** 0: the key was absent. */
  readonly version: number;
  readonly expiresAtMs: number;
}

const BYTES_MIN = 512;

/** The commands between MULTI and EXEC, with copies of their arguments in one buffer. */
export class Transaction {
  readonly commands: Command[] = [];
  /** Whether some are to be run on the connection, which blocks its session until EXEC is answered. */
  needsConnection = false;
  /** Holds the arguments; replaced when it grows. */
  bytes = new Uint8Array(BYTES_MIN);
  length = 0;
  /** Begin and end of every argument, one command after the other. */
  readonly #bounds: number[] = [];
  /** For each command, where in `#bounds` its arguments begin. */
  readonly #firsts: number[] = [];

  add(command: Command, args: Args): void {
    this.commands.push(command);
    if (command.kind === 'connection') this.needsConnection = true;
    this.#firsts.push(this.#bounds.length);
    for (let index = 0; index < args.count; index++) {
      const start = this.append(args.bytes, args.start(index), args.end(index));
      this.#bounds.push(start, this.length);
    }
  }

  /** Fills `target` with the arguments of one command: ranges of `bytes` as it is now. */
  argsOf(index: number, target: Args): void {
    const end = this.#firsts[index + 1] ?? this.#bounds.length;
    target.clear(this.bytes);
    for (let at = this.#firsts[index] as number; at < end; at += 2) {
      target.push(this.#bounds[at] as number, this.#bounds[at + 1] as number);
    }
  }

  /** Copies bytes behind what is there, and returns where they begin. */
  append(source: Uint8Array, start: number, end: number): number {
    const at = this.length;
    const count = end - start;
    if (at + count > this.bytes.length) {
      const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(at + count)));
      bytes.set(this.bytes.subarray(0, at));
      this.bytes = bytes;
    }
    copyBytes(source, start, this.bytes, at, count);
    this.length = at + count;
    return at;
  }
}
