import type { NodeId } from '../identity.ts';
import { majorityOf } from './membership.ts';

/** An election that this node stands in, or, in a pre-vote, asks whether to begin. */
export class Campaign {
  readonly isPreVote: boolean;
  /** The term to be led. */
  readonly term: number;
  readonly #voters: readonly NodeId[];
  readonly #granted = new Set<NodeId>();

  constructor(isPreVote: boolean, term: number, voters: readonly NodeId[]) {
    this.isPreVote = isPreVote;
    this.term = term;
    this.#voters = voters;
  }

  grant(voter: NodeId): void {
    if (this.#voters.includes(voter)) this.#granted.add(voter);
  }

  get isWon(): boolean {
    return this.#granted.size >= majorityOf(this.#voters.length);
  }
}
