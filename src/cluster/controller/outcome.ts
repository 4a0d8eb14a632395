import type { ClusterState } from './cluster-state.ts';

/** What comes of a command: another state, or the same one and why. */
export interface Outcome {
  readonly state: ClusterState;
  /** In plain words, what is wrong and what is allowed; null when the command holds. */
  readonly refusal: string | null;
}

export function applied(state: ClusterState): Outcome {
  return { state, refusal: null };
}

export function refused(state: ClusterState, refusal: string): Outcome {
  return { state, refusal };
}
