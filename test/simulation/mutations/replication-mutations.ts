import type { Mutation } from './mutation.ts';

/** Replication, broken. */
export const replicationMutations: readonly Mutation[] = [];
