import type { NodeId } from '../../src/cluster/identity.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';

/** The faults in force, each until its time is over, then it is taken back. */
export class Troubles {
  readonly #schedule: Schedule;
  readonly #byNode = new Map<NodeId, number>();
  readonly #trace: Trace;
  #general = 0;
  #isOver = false;

  constructor(schedule: Schedule, trace: Trace) {
    this.#schedule = schedule;
    this.#trace = trace;
  }

  /** Nodes in trouble. */
  get nodes(): number {
    return this.#byNode.size;
  }

  /** Faults that are no single node's. */
  get general(): number {
    return this.#general;
  }

  isTroubled(id: NodeId): boolean {
    return this.#byNode.has(id);
  }

  ofNode(name: string, id: NodeId, forMs: number, takeBack: () => void): void {
    this.#byNode.set(id, (this.#byNode.get(id) ?? 0) + 1);
    this.#schedule.after(forMs, () => {
      const count = (this.#byNode.get(id) ?? 1) - 1;
      if (count > 0) this.#byNode.set(id, count);
      else this.#byNode.delete(id);
      if (!this.#isOver) this.#takeBack(name, takeBack);
    });
  }

  ofAll(name: string, forMs: number, takeBack: () => void): void {
    this.#general++;
    this.#schedule.after(forMs, () => {
      this.#general--;
      if (!this.#isOver) this.#takeBack(name, takeBack);
    });
  }

  #takeBack(name: string, takeBack: () => void): void {
    this.#trace.say(this.#schedule.nowMs, '!!!', () => `${name} is over`);
    takeBack();
  }

  /** Whoever heals the world has taken all back already. */
  end(): void {
    this.#isOver = true;
  }
}
