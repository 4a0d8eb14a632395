import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { Args } from '../../command/args.ts';
import type { Command, SurveyCommand } from '../../command/command.ts';
import type { ReplySink } from '../../command/reply.ts';
import type { CommandTable } from '../../command/table.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import type { ShardClient } from '../../shard/shard-client.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';
import type { ReplyScratch } from '../dispatch/reply-scratch.ts';
import type { GuardedReads } from './guarded-reads.ts';
import type { NodeTargets } from './target.ts';

/** What `KeyRouting` is made of. */
export interface KeyRoutingParts {
  readonly table: CommandTable;
  readonly map: PartitionMap;
  readonly view: ClusterView;
  /** By shard of this node. */
  readonly clients: readonly ShardClient[];
  readonly readers: readonly LocalReader[];
  readonly links: NodeTargets;
  readonly redirects: 'asked' | 'always' | 'never';
  /** How long a command may wait for a node that takes it, in milliseconds. */
  readonly forwardTimeoutMs: number;
  /** How old a copy may be that answers who allows that, in milliseconds. */
  readonly replicaStalenessMs: number;
  readonly scratch: ReplyScratch;
  readonly replyBytesMax: () => number;
  readonly onSent: () => void;
  /** Has a survey with a cursor run on this node; `onRefused` is told why it was not, with its arguments. */
  readonly onSurvey: (
    command: SurveyCommand & Command,
    args: Args,
    sink: ReplySink,
    onRefused: (reason: RefusalReason, args: Args) => void,
  ) => void;
  readonly answerDefect: ConstructorParameters<typeof GuardedReads>[3];
  /** As `monotonicMs`. */
  readonly nowMs?: () => number;
}
