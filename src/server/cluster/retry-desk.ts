/** A command that waits for a target. */
export interface Waiting {
  readonly order: number;
  readonly partitions: readonly number[];
  /** Milliseconds of `monotonicMs`. */
  readonly deadlineMs: number;
  /** Of memory that it holds. */
  readonly bytes: number;
  /** Sends it now; it may come to wait again. */
  send(): void;
  /** Answers it with an error: nothing was run. */
  giveUp(): void;
}

export interface DeskLimits {
  readonly countMax: number;
  readonly bytesMax: number;
}

const DESK_LIMITS_DEFAULT: DeskLimits = { countMax: 100_000, bytesMax: 64 * 2 ** 20 };

/**
 * Commands that have no target now: their partition is on its way from one node to another, or is without a node. They
 * are sent in the order in which they came from clients, per partition, however often each was refused meanwhile: one
 * that waits has all later ones of its partitions wait behind it.
 */
export class RetryDesk {
  bytes = 0;
  readonly #limits: DeskLimits;
  /** By partition: how many of the commands are of it. The routes' array. */
  readonly #waiting: Int32Array;
  /** By partition: number of the look in which a command of it was left waiting. */
  readonly #blockedIn: Uint32Array;
  #looks = 0;
  /** By order. */
  #commands: Waiting[] = [];

  constructor(waiting: Int32Array, limits: DeskLimits = DESK_LIMITS_DEFAULT) {
    this.#waiting = waiting;
    this.#limits = limits;
    this.#blockedIn = new Uint32Array(waiting.length);
  }

  get count(): number {
    return this.#commands.length;
  }

  /** Whether a command with so many bytes can wait. One that was sent before may, whatever waits. */
  hasRoom(bytes: number): boolean {
    return this.#commands.length < this.#limits.countMax && this.bytes + bytes <= this.#limits.bytesMax;
  }

  add(command: Waiting): void {
    const commands = this.#commands;
    let at = commands.length;
    while (at > 0 && (commands[at - 1] as Waiting).order > command.order) at--;
    if (at === commands.length) commands.push(command);
    else commands.splice(at, 0, command);
    this.bytes += command.bytes;
    for (const partition of command.partitions) this.#waiting[partition] = (this.#waiting[partition] as number) + 1;
  }

  /**
   * Looks at all that wait: those whose time is over, and all if `isHopeless`, are given up, those that are ready are
   * sent, except where one before them of the same partition is left waiting.
   */
  look(nowMs: number, isReady: (command: Waiting) => boolean, isHopeless: boolean): void {
    if (this.#commands.length === 0) return;
    const commands = this.#commands;
    // What comes to wait meanwhile is put among those that are left at the end.
    this.#commands = [];
    const left: Waiting[] = [];
    const round = ++this.#looks;
    let next = 0;
    try {
      while (next < commands.length) {
        const command = commands[next++] as Waiting;
        if (isHopeless || nowMs >= command.deadlineMs) {
          this.#forget(command);
          command.giveUp();
        } else if (!this.#isBlocked(command, round) && isReady(command)) {
          this.#forget(command);
          command.send();
          // Nobody took it after all: those behind it wait, too.
          for (const back of this.#commands) {
            if (back.order > command.order) break;
            for (const partition of back.partitions) this.#blockedIn[partition] = round;
          }
        } else {
          for (const partition of command.partitions) this.#blockedIn[partition] = round;
          left.push(command);
        }
      }
    } finally {
      // Also when one that was sent or answered threw: the others still wait.
      const came = this.#commands;
      this.#commands = [...left, ...commands.slice(next)];
      for (const command of came) {
        this.#forget(command);
        this.add(command);
      }
    }
  }

  /** Gives up all that wait. */
  giveUpAll(): void {
    this.look(0, () => false, true);
  }

  #isBlocked(command: Waiting, round: number): boolean {
    for (const partition of command.partitions) if (this.#blockedIn[partition] === round) return true;
    return false;
  }

  /** Counts it no more. */
  #forget(command: Waiting): void {
    this.bytes -= command.bytes;
    for (const partition of command.partitions) this.#waiting[partition] = (this.#waiting[partition] as number) - 1;
  }
}
