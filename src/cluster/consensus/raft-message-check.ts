import { decodeMembership } from './raft-fields.ts';
import type { LogEntry, Membership, RaftMessage } from './raft-types.ts';

/**
 * Whether a message makes sense by itself, whoever sent it: integers in their ranges, entries in a row. What does not
 * is dropped before it could break an invariant.
 */
export function isSane(message: RaftMessage): boolean {
  if (!isCount(message.term)) return false;
  switch (message.type) {
    case 'vote':
      return isCount(message.lastIndex) && isCount(message.lastTerm) && message.lastTerm <= message.term;
    case 'append':
      return (
        isCount(message.previousIndex) &&
        isCount(message.previousTerm) &&
        isCount(message.commit) &&
        isCount(message.round) &&
        areEntriesSane(message.entries, message.previousIndex, message.previousTerm, message.term)
      );
    case 'appended':
      return isCount(message.index) && isCount(message.hintTerm) && isCount(message.round);
    case 'snapshot':
      return (
        isCount(message.snapshot.index) &&
        isCount(message.snapshot.term) &&
        message.snapshot.term <= message.term &&
        isCount(message.round) &&
        isMembershipSane(message.snapshot.membership)
      );
    case 'voted':
    case 'timeout-now':
      return true;
  }
}

/** Terms and indexes must be able to grow and still be exact. */
function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 2 ** 52;
}

function areEntriesSane(
  entries: readonly LogEntry[],
  previousIndex: number,
  previousTerm: number,
  term: number,
): boolean {
  let lastTerm = previousTerm;
  for (const [at, entry] of entries.entries()) {
    if (entry.index !== previousIndex + 1 + at || !isCount(entry.term)) return false;
    if (entry.term < lastTerm || entry.term > term) return false;
    if (entry.kind === 'membership' && !isMembershipPayloadSane(entry.payload)) return false;
    lastTerm = entry.term;
  }
  return lastTerm <= term;
}

function isMembershipPayloadSane(payload: Uint8Array): boolean {
  try {
    return isMembershipSane(decodeMembership(payload));
  } catch {
    return false;
  }
}

function isMembershipSane({ voters, learners }: Membership): boolean {
  return voters.length > 0 && new Set([...voters, ...learners]).size === voters.length + learners.length;
}
