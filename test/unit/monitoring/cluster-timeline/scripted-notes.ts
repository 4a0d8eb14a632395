import type { NotedBy } from '../../../../src/monitoring/cluster-timeline/noted-by.ts';
import type { ClusterNote, LostNote, Suspicion } from '../../../../src/server/cluster/cluster-note.ts';

/** Short words for what nodes note, for tests to read as stories. */

export function noted(node: string, notes: readonly ClusterNote[], suspicions: readonly Suspicion[] = []): NotedBy {
  return { node, boot: 1, notes, suspicions };
}

/** The loss of n1, which was primary of three partitions: n2 took two of them and n3 one. */
export function lost(seq: number, atMs: number, parts: Partial<LostNote> = {}): ClusterNote {
  return {
    kind: 'lost',
    node: 'n1',
    boot: 1,
    marks: [
      [0, 2],
      [3, 2],
      [4, 2],
    ],
    suspectedAtMs: null,
    partitions: 3,
    offline: 0,
    reset: 0,
    unproven: 0,
    takenBy: [
      ['n2', 2],
      ['n3', 1],
    ],
    ...parts,
    seq,
    atMs,
  };
}
