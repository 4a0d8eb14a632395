/** Who is who in a cluster. */

/** A node's name, unique in the cluster and kept across restarts: 1 to 64 of `a-z`, `0-9`, `-`, `.`, `_`. */
export type NodeId = string;

/**
 * One copy of one partition, as long as its memory lasts. What was acknowledged by a copy is only worth something
 * while that very copy is asked again, so in-sync sets name copies, not nodes.
 */
export interface Member {
  readonly node: NodeId;
  /** Which start of the node: a counter kept on its disk, one higher at each start. */
  readonly boot: number;
  /**
   * Which filling of this partition's memory within that start: one higher whenever the node throws the copy away.
   * {@link FRESH} in an entry that has just been created or reset: the copy is empty, whatever it held before.
   */
  readonly generation: number;
}

export const FRESH = -1;

/**
 * What a new start of a node still has, on its disk, of the copy that an earlier start of it had. A filling goes on over
 * starts, with its generation, as long as none of them lost anything of it.
 */
export interface Claim {
  readonly partition: number;
  /** The start that the filling began in: it is that of every later one, too, that names this generation. */
  readonly since: number;
  readonly generation: number;
  /** The epoch whose primary first gave it something, or which began empty with it; 0: there is nothing in it. */
  readonly filledInEpoch: number;
  /** The start from which on nothing is missing that it has confirmed; of what earlier ones did the last may be. */
  readonly wholeSince: number;
}

const NODE_ID = /^[a-z0-9._-]{1,64}$/;

export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

export function isSameMember(left: Member, right: Member): boolean {
  return left.node === right.node && left.boot === right.boot && left.generation === right.generation;
}

export function memberOf(members: readonly Member[], node: NodeId): Member | undefined {
  return members.find((member) => member.node === node);
}
