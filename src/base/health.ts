/** Whether a node serves, and what keeps it from it. */
export interface Health {
  /** False: `/health` and `/readyz` answer 503, and load balancers should send requests elsewhere. */
  readonly ready: boolean;
  /** Why it is not ready, and what else is amiss; empty when all is well. */
  readonly reasons: readonly string[];
}
