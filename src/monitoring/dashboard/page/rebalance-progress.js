/**
 * How far a rebalancing is. A node says only how many copies are left to move, so the page remembers how many there were:
 * the most that were left since the cluster was balanced last.
 */
export class RebalanceProgress {
  #movesMax = 0;
  #beganMs = 0;

  /**
   * @param {{readonly moves: number, readonly isBalanced: boolean}} rebalance
   * @param {number} nowMs
   * @returns {{moves: number, done: number, total: number, share: number, leftMs: number | null} | null}
   *   null: the cluster is balanced. `leftMs` goes on as fast as it went so far; null: nothing has moved yet.
   */
  observe({ moves, isBalanced }, nowMs) {
    if (isBalanced) {
      this.#movesMax = 0;
      return null;
    }
    // More is to be moved than ever: the plan is another one.
    if (moves > this.#movesMax || this.#movesMax === 0) {
      this.#movesMax = moves;
      this.#beganMs = nowMs;
    }
    const total = this.#movesMax;
    const done = total - moves;
    const leftMs = done === 0 ? null : (moves * (nowMs - this.#beganMs)) / done;
    return { moves, done, total, share: total === 0 ? 1 : done / total, leftMs };
  }
}
