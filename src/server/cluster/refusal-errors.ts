import type { ErrorCode } from '../../base/errors.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';

export { isPassing } from '../../shard/guarded-reply.ts';

export interface RefusalError {
  readonly code: ErrorCode;
  readonly message: string;
}

const withoutNode: RefusalError = {
  code: 'cluster-down',
  message: 'Hash slot not served: no node took the command in time; it was not run',
};

const errorsByReason: Readonly<Record<RefusalReason, RefusalError>> = {
  [RefusalReason.notPrimary]: withoutNode,
  [RefusalReason.offline]: withoutNode,
  [RefusalReason.notReady]: withoutNode,
  [RefusalReason.handingOver]: {
    code: 'try-again',
    message: 'the keys are on their way to another node; the command was not run',
  },
  [RefusalReason.noLease]: {
    code: 'cluster-down',
    message: 'The cluster is down: this node is cut off from the others; the command was not run',
  },
  [RefusalReason.lost]: {
    code: 'cluster-down',
    message: 'Hash slot not served: all copies of the partition are lost; an administrator can reset it',
  },
  [RefusalReason.tooFewInSync]: {
    code: 'too-few-copies',
    message: 'Not enough good replicas to write: fewer copies are in sync than minInSync says; nothing was written',
  },
  [RefusalReason.overloaded]: {
    code: 'overloaded',
    message: 'too many writes wait for other nodes; this one was not run',
  },
};

/** What a client is told of a command that was refused, or never sent (null). */
export function errorOfRefusal(reason: RefusalReason | null): RefusalError {
  return reason === null ? withoutNode : errorsByReason[reason];
}
