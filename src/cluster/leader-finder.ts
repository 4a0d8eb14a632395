import type { NodeId } from './identity.ts';

/**
 * Where this node sends what is for the leader: a guess, which costs a round trip when it is wrong.
 *
 * Best is whom the own log follows, unless that node itself has said that it does not lead: a node that is not in the
 * group hears of no election. Then whom others name, and else the seeds in turn.
 */
export class LeaderFinder {
  /** Who was named as the leader last. */
  #named: NodeId | null = null;
  /** Who has said not to lead. */
  #denier: NodeId | null = null;
  #turn = 0;
  readonly #self: NodeId;
  readonly #seeds: readonly NodeId[];

  constructor(self: NodeId, seeds: readonly NodeId[]) {
    this.#self = self;
    this.#seeds = seeds;
  }

  /** Whom to send to now; null: there is nobody. `followed` is whom the own log follows. */
  addressee(followed: NodeId | null): NodeId | null {
    if (followed !== null && followed !== this.#denier) return followed;
    if (this.#named !== null) return this.#named;
    for (let tried = 0; tried < this.#seeds.length; tried++) {
      const seed = this.#seeds[this.#turn++ % this.#seeds.length];
      if (seed !== undefined && seed !== this.#self) return seed;
    }
    return null;
  }

  /** The own log follows a leader. True: it is news. */
  followed(leader: NodeId): boolean {
    const isNews = leader !== this.#named || this.#denier !== null;
    this.#named = leader;
    this.#denier = null;
    return isNews;
  }

  /** `from` says that it does not lead, and who does. True: there is somebody else to be asked now. */
  denied(from: NodeId, leader: NodeId | null, followed: NodeId | null): boolean {
    const wasAsked = from === followed || from === this.#named;
    if (from === followed) this.#denier = from;
    if (from === this.#named) this.#named = null;
    if (leader !== null && leader === this.#denier && from !== leader) {
      // It may have denied before it was elected, and been heard after it.
      this.#denier = null;
      return leader === followed;
    }
    if (leader === null || leader === from || leader === this.#named) return false;
    // Of others than those who were taken for the leader a name is worth something only as long as there is none.
    if (!wasAsked && (this.#named !== null || followed !== null)) return false;
    this.#named = leader;
    return true;
  }

  /** Nobody answers: whoever was named is not to be relied on. */
  forget(): void {
    this.#named = null;
  }
}
