import type { ClusterNote, ClusterNoteBody, LostMark, Suspicion } from '../../server/cluster/cluster-note.ts';
import type { PeerSample } from '../dashboard/feed.ts';

/** What a node is asked: what it noted behind a note of a start of it. */
export interface NewsQuestion {
  readonly boot: number;
  readonly after: number;
}

/** What it tells of itself. Between nodes it is JSON in UTF-8. */
export interface NodeNews {
  readonly boot: number;
  /** The last of its notes that it has told by this, so what to ask for behind. */
  readonly told: number;
  /** There are more. */
  readonly hasMore: boolean;
  readonly notes: readonly ClusterNote[];
  readonly suspicions: readonly Suspicion[];
  readonly sample: PeerSample | null;
}

/** So many notes are told at once. */
export const NOTES_AT_ONCE_MAX = 64;
/** Of all lists in what a node tells: as many as a cluster may have nodes. */
const ITEMS_MAX = 1024;
const NEWS_BYTES_MAX = 8 << 20;
const NAME_LENGTH_MAX = 64;

export function encodeQuestion({ boot, after }: NewsQuestion): Uint8Array {
  return Buffer.from(JSON.stringify({ boot, after }));
}

/** Null: it is none. */
export function decodeQuestion(bytes: Uint8Array): NewsQuestion | null {
  const fields = fieldsOf(parsed(bytes));
  if (fields === null || !isCount(fields['boot']) || !isCount(fields['after'])) return null;
  return { boot: fields['boot'], after: fields['after'] };
}

export function encodeNews(news: NodeNews): Uint8Array {
  return Buffer.from(JSON.stringify(news));
}

/** Null: it is none. Notes that this version does not know are left out. */
export function decodeNews(bytes: Uint8Array): NodeNews | null {
  if (bytes.length > NEWS_BYTES_MAX) return null;
  const fields = fieldsOf(parsed(bytes));
  if (fields === null) return null;
  const { boot, told, hasMore, notes, suspicions, sample } = fields;
  if (!isCount(boot) || !isCount(told) || typeof hasMore !== 'boolean') return null;
  if (!isList(notes) || !isList(suspicions) || notes.length > NOTES_AT_ONCE_MAX) return null;
  return {
    boot,
    told,
    hasMore,
    notes: notes.flatMap((note) => noteOf(note) ?? []),
    suspicions: suspicions.flatMap((suspicion) => suspicionOf(suspicion) ?? []),
    sample: sampleOf(sample),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Fields | null {
  // A copy: what is read is its own, whatever it is called.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= ITEMS_MAX;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A measure; not negative. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX;
}

function isNameOrNull(value: unknown): value is string | null {
  return value === null || isName(value);
}

function noteOf(value: unknown): ClusterNote | null {
  const fields = fieldsOf(value);
  if (fields === null || !isCount(fields['seq']) || !isCount(fields['atMs'])) return null;
  const body = bodyOf(fields);
  return body === null ? null : { ...body, seq: fields['seq'], atMs: fields['atMs'] };
}

function bodyOf(fields: Fields): ClusterNoteBody | null {
  const { kind, node, boot, lost, partitions } = fields;
  switch (kind) {
    case 'lost':
      return lostOf(fields);
    case 'took': {
      const { firstAtMs } = fields;
      return isCount(lost) && isCount(partitions) && isCount(firstAtMs) ? { kind, lost, partitions, firstAtMs } : null;
    }
    case 'served':
      return isCount(lost) && isCount(partitions) ? { kind, lost, partitions } : null;
    case 'first-write':
      return isCount(lost) ? { kind, lost } : null;
    case 'regained': {
      const { empty } = fields;
      return isCount(lost) && isCount(partitions) && isCount(empty) ? { kind, lost, partitions, empty } : null;
    }
    case 'joined':
    case 'left':
    case 'restarted':
    case 'back':
      return isName(node) && isCount(boot) ? { kind, node, boot } : null;
    case 'drained': {
      const { isDraining, isLeaving } = fields;
      if (!isName(node) || !isCount(boot) || typeof isDraining !== 'boolean' || typeof isLeaving !== 'boolean')
        return null;
      return { kind, node, boot, isDraining, isLeaving };
    }
    case 'leader': {
      const { term } = fields;
      return isName(node) && isCount(term) ? { kind, node, term } : null;
    }
    case 'handed-over':
      return isName(node) && isCount(partitions) ? { kind, node, partitions } : null;
    case 'offline':
    case 'reset':
      return isNameOrNull(node) && isCount(partitions) ? { kind, node, partitions } : null;
    case 'online':
      return isCount(partitions) ? { kind, partitions } : null;
    case 'settings': {
      const { copies, minInSync, onLoss } = fields;
      if (!isCount(copies) || !isCount(minInSync) || (onLoss !== 'offline' && onLoss !== 'reset')) return null;
      return { kind, copies, minInSync, onLoss };
    }
    case 'shard-restarted': {
      const { shard } = fields;
      return isCount(shard) && isCount(partitions) ? { kind, shard, partitions } : null;
    }
    default:
      return null;
  }
}

function lostOf(fields: Fields): ClusterNoteBody | null {
  const { node, boot, marks, suspectedAtMs, partitions, offline, reset, unproven, takenBy } = fields;
  if (!isName(node) || !isCount(boot) || !isList(marks) || !isList(takenBy)) return null;
  if (suspectedAtMs !== null && !isCount(suspectedAtMs)) return null;
  if (!isCount(partitions) || !isCount(offline) || !isCount(reset) || !isCount(unproven)) return null;
  return {
    kind: 'lost',
    node,
    boot,
    marks: marks.flatMap((mark) => markOf(mark)),
    suspectedAtMs,
    partitions,
    offline,
    reset,
    unproven,
    takenBy: takenBy.flatMap((share) => shareOf(share)),
  };
}

function markOf(value: unknown): LostMark[] {
  if (!isList(value)) return [];
  const [partition, epoch] = value;
  return isCount(partition) && isCount(epoch) ? [[partition, epoch]] : [];
}

function shareOf(value: unknown): [string, number][] {
  if (!isList(value)) return [];
  const [node, partitions] = value;
  return isName(node) && isCount(partitions) ? [[node, partitions]] : [];
}

function suspicionOf(value: unknown): Suspicion | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const { node, boot, sinceMs } = fields;
  return isName(node) && isCount(boot) && isCount(sinceMs) ? { node, boot, sinceMs } : null;
}

function sampleOf(value: unknown): PeerSample | null {
  const fields = fieldsOf(value);
  if (fields === null) return null;
  const { commands, hits, misses, p99Ms, keys, usedBytes, budgetBytes, connections } = fields;
  const { eventLoopMaxMs, processors, ready } = fields;
  if (!isAmount(commands) || !isAmount(hits) || !isAmount(misses) || (p99Ms !== null && !isAmount(p99Ms))) return null;
  if (!isAmount(keys) || !isAmount(usedBytes) || !isAmount(budgetBytes) || !isAmount(connections)) return null;
  if (!isAmount(eventLoopMaxMs) || !isAmount(processors) || typeof ready !== 'boolean') return null;
  return {
    commands,
    hits,
    misses,
    p99Ms,
    keys,
    usedBytes,
    budgetBytes,
    connections,
    eventLoopMaxMs,
    processors,
    ready,
  };
}
