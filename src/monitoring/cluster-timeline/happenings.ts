import type { ClusterNote } from '../../server/cluster/cluster-note.ts';
import type { Happening } from '../dashboard/feed.ts';
import type { NotedBy } from './noted-by.ts';

const HAPPENINGS_MAX = 200;
/** What two nodes note alike within this time of each other happened once. */
const SAME_MS = 10_000;

/** A line, and what tells it from others. */
interface Line extends Pick<Happening, 'kind' | 'node' | 'partitions' | 'text'> {
  /** Null: told by nobody else. */
  readonly key: string | null;
  /** It can only happen once. */
  readonly isUnique?: true;
}

interface Kept {
  readonly happening: Happening;
  readonly noters: Set<string>;
}

/** What happened to the cluster beside failovers, each thing once, as whoever noted it first did; the latest first; pure. */
export function happenings(all: readonly NotedBy[]): Happening[] {
  const noted = all.flatMap(({ node, boot, notes }) =>
    notes.map((note) => ({ by: node, noter: `${node} ${boot}`, note })),
  );
  const kept: Kept[] = [];
  const byKey = new Map<string, Kept[]>();
  for (const { by, noter, note } of noted.sort(inOrder)) {
    const line = lineOf(note, by);
    if (line === null) continue;
    const { key, isUnique, ...told } = line;
    const alike = key === null ? [] : (byKey.get(key) ?? []);
    const same = alike.find(
      ({ happening, noters }) => !noters.has(noter) && (isUnique === true || note.atMs - happening.atMs <= SAME_MS),
    );
    if (same !== undefined) {
      same.noters.add(noter);
      continue;
    }
    const next = { happening: { atMs: note.atMs, by, ...told }, noters: new Set([noter]) };
    kept.push(next);
    if (key !== null) byKey.set(key, [...alike, next]);
  }
  return kept
    .slice(-HAPPENINGS_MAX)
    .reverse()
    .map(({ happening }) => happening);
}

interface Noted {
  readonly by: string;
  readonly noter: string;
  readonly note: ClusterNote;
}

/** What was noted at once, by who noted it: what is told does not depend on who was asked first. */
function inOrder(left: Noted, right: Noted): number {
  if (left.note.atMs !== right.note.atMs) return left.note.atMs - right.note.atMs;
  if (left.noter !== right.noter) return left.noter < right.noter ? -1 : 1;
  return left.note.seq - right.note.seq;
}

function lineOf(note: ClusterNote, by: string): Line | null {
  switch (note.kind) {
    case 'joined':
      return ofNode(note, `${note.node} joined the cluster`, true);
    case 'left':
      return ofNode(note, `${note.node} left the cluster`, true);
    case 'restarted':
      return ofNode(note, `${note.node} was started again`, true);
    case 'back':
      return ofNode(note, `${note.node} is back: the cluster counts on it again`);
    case 'drained':
      return ofNode(note, drainText(note));
    case 'leader': {
      const { kind, node, term } = note;
      const text = `${node} was elected leader, in term ${term}`;
      return { kind, node, partitions: null, text, key: `leader ${term}`, isUnique: true };
    }
    case 'handed-over': {
      const { kind, node, partitions } = note;
      return { kind, node, partitions, text: `${node} handed ${countOf(partitions)} over to ${by}`, key: null };
    }
    case 'offline':
    case 'reset': {
      const { kind, node, partitions } = note;
      const text = kind === 'offline' ? offlineText(node, partitions) : `${countOf(partitions)} began empty`;
      return { kind, node, partitions, text, key: `${kind} ${node ?? ''} ${partitions}` };
    }
    case 'online': {
      const { kind, partitions } = note;
      return {
        kind,
        node: null,
        partitions,
        text: `${countOf(partitions)} ${partitions === 1 ? 'is' : 'are'} served again`,
        key: `online ${partitions}`,
      };
    }
    case 'settings': {
      const { kind, copies, minInSync, onLoss } = note;
      const lost = onLoss === 'reset' ? 'begins empty' : 'stays offline';
      const text = `settings: ${copies} copies, at least ${minInSync} in sync; a partition whose copies are lost ${lost}`;
      return { kind, node: null, partitions: null, text, key: text };
    }
    case 'shard-restarted': {
      const { kind, shard, partitions } = note;
      const had = partitions === 0 ? '' : `; it was primary of ${countOf(partitions)}`;
      return { kind, node: by, partitions, text: `shard ${shard} of ${by} was started anew${had}`, key: null };
    }
    case 'lost':
    case 'took':
    case 'served':
    case 'first-write':
    case 'regained':
      return null;
  }
}

function ofNode(
  { kind, node, boot }: Extract<ClusterNote, { kind: 'joined' | 'left' | 'restarted' | 'back' | 'drained' }>,
  text: string,
  isUnique = false,
): Line {
  const line = { kind, node, partitions: null, text, key: `${boot} ${text}` };
  return isUnique ? { ...line, isUnique } : line;
}

function drainText({ node, isDraining, isLeaving }: Extract<ClusterNote, { kind: 'drained' }>): string {
  if (!isDraining) return `${node} is drained no more`;
  return isLeaving ? `${node} is being drained, to be removed` : `${node} is being drained`;
}

function offlineText(node: string | null, partitions: number): string {
  const what = `${countOf(partitions)} went offline`;
  return node === null ? what : `${what} with ${node}, which had the only copy in sync`;
}

function countOf(partitions: number): string {
  return partitions === 1 ? '1 partition' : `${partitions} partitions`;
}
