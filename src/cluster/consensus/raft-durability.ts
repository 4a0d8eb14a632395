import { assert } from '../../base/assert.ts';

/** What of a log will survive a crash. Persist actions are numbered from 1 and become durable in order. */
export class RaftDurability {
  #issued = 0;
  #persisted = 0;
  #hardNumber = 0;
  #index: number;
  /** Persist actions under way, and up to where the log that they leave is still the log of now. */
  #underWay: { readonly number: number; lastIndex: number }[] = [];

  constructor(durableIndex: number) {
    this.#index = durableIndex;
  }

  /** The log is durable up to here; -1: not even where it begins. */
  get index(): number {
    return this.#index;
  }

  get nextNumber(): number {
    return this.#issued + 1;
  }

  /** The persist action that makes term and vote durable as they are. */
  get hardNumber(): number {
    return this.#hardNumber;
  }

  isPersisted(number: number): boolean {
    return this.#persisted >= number;
  }

  issued(number: number, lastIndex: number, hasHard: boolean): void {
    assert(number === this.nextNumber, `persist ${number} follows ${this.#issued}`);
    this.#issued = number;
    if (hasHard) this.#hardNumber = number;
    this.#underWay.push({ number, lastIndex });
  }

  /** The log has been replaced from `index` + 1 on: what is under way for it does not count there. */
  cutAfter(index: number): void {
    this.#index = Math.min(this.#index, index);
    for (const action of this.#underWay) action.lastIndex = Math.min(action.lastIndex, index);
  }

  persisted(number: number): void {
    assert(number <= this.#issued, `persist ${number} was asked for`);
    if (number <= this.#persisted) return;
    this.#persisted = number;
    let done = 0;
    for (const action of this.#underWay) {
      if (action.number > number) break;
      this.#index = Math.max(this.#index, action.lastIndex);
      done++;
    }
    this.#underWay.splice(0, done);
  }
}
