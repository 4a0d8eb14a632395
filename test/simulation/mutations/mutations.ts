import { consensusMutations } from './consensus-mutations.ts';
import { controllerMutations } from './controller-mutations.ts';
import type { Mutation } from './mutation.ts';
import { replicationMutations } from './replication-mutations.ts';

/** Ways in which the core could be wrong, all of which the simulator must notice. */
export const mutations: readonly Mutation[] = [...consensusMutations, ...controllerMutations, ...replicationMutations];
