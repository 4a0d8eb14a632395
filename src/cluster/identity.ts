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
