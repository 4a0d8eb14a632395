import type { NodeId } from '../../src/cluster/identity.ts';
import type { Reply } from './operation-desk.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { SimulatedNode } from './simulated-node.ts';
import { type Trace, traced } from './trace.ts';
import type { AckLevel, OperationInput, OperationOutput, ReadLevel, Witness, WriteToken } from './witness.ts';

export interface ClientHabits {
  readonly partitions: number;
  readonly keys: number;
  /** Between an answer and the next question. */
  readonly thinkMeanMs: number;
  /** Of each way between client and node. */
  readonly delayMeanMs: number;
  readonly loss: number;
  /** Share of writes with a weaker acknowledgement, and of reads of any copy. */
  readonly weakness: number;
  readonly attemptTimeoutMs: number;
  /** After so long without an answer that counts, an operation is given up as refused. */
  readonly giveUpMs: number;
}

export interface ClientCounts {
  asked: number;
  acknowledged: number;
  indeterminate: number;
  refused: number;
  redirected: number;
}

/** What clients know of the cluster: where processes can be reached. */
export interface Reach {
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly witness: Witness;
  nodeIds(): readonly NodeId[];
  nodeOf(id: NodeId): SimulatedNode | undefined;
  /** Never given twice. */
  nextValue(): number;
}

/** Told of each write that was acknowledged: for figures. */
export type OnAcknowledged = (partition: number, nowMs: number) => void;

/**
 * Asks one operation at a time, of whom it takes for the primary; follows redirections, asks again what certainly had
 * no effect, and never asks a write again of which nobody knows what became.
 */
export class SimulatedClient {
  readonly counts: ClientCounts = { asked: 0, acknowledged: 0, indeterminate: 0, refused: 0, redirected: 0 };
  readonly #number: number;
  readonly #habits: ClientHabits;
  readonly #random: SeededRandom;
  readonly #reach: Reach;
  readonly #onAcknowledged: OnAcknowledged;
  readonly #primaries = new Map<number, NodeId>();
  readonly #versions = new Map<number, number>();
  readonly #tokens = new Map<number, WriteToken>();
  #isStopped = false;
  isBusy = false;

  constructor(
    number: number,
    habits: ClientHabits,
    random: SeededRandom,
    reach: Reach,
    onAcknowledged: OnAcknowledged,
  ) {
    this.#number = number;
    this.#habits = habits;
    this.#random = random;
    this.#reach = reach;
    this.#onAcknowledged = onAcknowledged;
  }

  start(): void {
    this.#isStopped = false;
    if (!this.isBusy) this.#think();
  }

  /** No more questions; the one under way is still answered. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Asks this one operation and tells what came of it. */
  ask(input: OperationInput, done: (output: OperationOutput) => void): void {
    const { schedule, trace, witness } = this.#reach;
    const operation = witness.invoked(this.#number, input, schedule.nowMs);
    this.counts.asked++;
    this.isBusy = true;
    const startedAtMs = schedule.nowMs;
    trace.event(schedule.nowMs, traced.asked, input.key, operation);
    trace.say(schedule.nowMs, `c${this.#number}`, () => `#${operation} asks ${JSON.stringify(input)}`);
    const finish = (output: OperationOutput) => {
      this.isBusy = false;
      trace.event(schedule.nowMs, traced.replied, operation);
      trace.say(schedule.nowMs, `c${this.#number}`, () => `#${operation} ${JSON.stringify(output)}`);
      this.#learn(input, output);
      witness.completed(operation, output, schedule.nowMs);
      done(output);
    };
    this.#attempt(input, startedAtMs, finish);
  }

  #think(): void {
    this.#reach.schedule.after(this.#random.exponential(this.#habits.thinkMeanMs), () => {
      if (this.#isStopped || this.isBusy) return;
      this.ask(this.#invent(), () => {
        if (!this.#isStopped) this.#think();
      });
    });
  }

  #invent(): OperationInput {
    const random = this.#random;
    const key = random.integer(0, this.#habits.keys - 1);
    const dice = random.fraction();
    if (dice < 0.45) return { kind: 'get', key, level: this.#readLevel(key) };
    const ack: AckLevel = random.chance(this.#habits.weakness) ? random.pick(['async', 'one']) : 'in-sync';
    if (dice < 0.75) return { kind: 'set', key, value: this.#reach.nextValue(), ack };
    if (dice < 0.87) {
      const version = random.chance(0.15) ? 0 : (this.#versions.get(key) ?? 0);
      return { kind: 'cas', key, version, value: this.#reach.nextValue(), ack };
    }
    return { kind: 'delete', key, ack };
  }

  #readLevel(key: number): ReadLevel {
    const random = this.#random;
    if (!random.chance(this.#habits.weakness)) return { type: 'primary' };
    const token = random.chance(0.5) ? (this.#tokens.get(key % this.#habits.partitions) ?? null) : null;
    return { type: 'replica', maxStalenessMs: random.pick([20, 150, 600, 2500]), token };
  }

  #attempt(input: OperationInput, startedAtMs: number, finish: (output: OperationOutput) => void): void {
    const { schedule } = this.#reach;
    const random = this.#random;
    const { attemptTimeoutMs, giveUpMs, loss, delayMeanMs, partitions } = this.#habits;
    const partition = input.key % partitions;
    const isAnyCopy = input.kind === 'get' && input.level.type === 'replica';
    const known = isAnyCopy ? undefined : this.#primaries.get(partition);
    const to = known ?? random.pick(this.#reach.nodeIds());
    let isOver = false;
    const over = (next: () => void) => {
      if (isOver) return;
      isOver = true;
      next();
    };
    const again = (delayMs: number) => {
      if (schedule.nowMs - startedAtMs > giveUpMs) finish({ kind: 'refused' });
      else schedule.after(delayMs, () => this.#attempt(input, startedAtMs, finish));
    };
    schedule.after(attemptTimeoutMs, () =>
      over(() => {
        this.#primaries.delete(partition);
        if (input.kind === 'get') again(0);
        else finish({ kind: 'indeterminate' });
      }),
    );
    const onReply = (reply: Reply) => {
      if (random.chance(loss)) return;
      schedule.after(random.exponential(delayMeanMs), () =>
        over(() => {
          if (reply.type === 'done') {
            if (!isAnyCopy) this.#primaries.set(partition, to);
            finish(reply.output);
            return;
          }
          this.counts.redirected++;
          if (reply.primary !== null && reply.primary !== to) {
            this.#primaries.set(partition, reply.primary);
            again(random.exponential(5));
          } else {
            this.#primaries.delete(partition);
            again(random.exponential(30));
          }
        }),
      );
    };
    if (random.chance(loss)) return;
    schedule.after(random.exponential(delayMeanMs), () => {
      if (isOver) return;
      const node = this.#reach.nodeOf(to);
      // A closed port says so at once; a request that a dying process took with it is only missed in time.
      if (node === undefined || !node.isRunning) onReply({ type: 'refused', reason: 'no connection', primary: null });
      else node.execute(input, onReply);
    });
  }

  #learn(input: OperationInput, output: OperationOutput): void {
    if (output.kind === 'refused') this.counts.refused++;
    else if (output.kind === 'indeterminate') this.counts.indeterminate++;
    else this.counts.acknowledged++;
    // What a copy tells that may be old is no ground for a conditional write.
    if (input.kind === 'get' && input.level.type === 'replica') return;
    if (output.kind === 'found') this.#versions.set(input.key, output.version);
    else if (output.kind === 'absent' || output.kind === 'deleted') this.#versions.delete(input.key);
    if (output.kind !== 'stored') return;
    const partition = input.key % this.#habits.partitions;
    if (input.kind !== 'get' && input.ack === 'in-sync') {
      this.#tokens.set(partition, output.token);
      this.#versions.set(input.key, output.version);
    }
    this.#onAcknowledged(partition, this.#reach.schedule.nowMs);
  }
}
