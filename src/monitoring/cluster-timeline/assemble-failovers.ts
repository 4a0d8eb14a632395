import type { ClusterNote, LostNote } from '../../server/cluster/cluster-note.ts';
import type { Failover } from '../dashboard/feed.ts';
import type { NotedBy } from './noted-by.ts';

const FAILOVERS_MAX = 50;
/** Of the losses that one start of a node noted, the latest so many are looked at. */
const ACCOUNTS_MAX = 64;
/** Losses that name no partition are the same when two nodes noted them within this time of each other. */
const SAME_LOSS_MS = 10_000;

type NoteOf<Kind extends ClusterNote['kind']> = Extract<ClusterNote, { kind: Kind }>;
type Lost = LostNote & { readonly seq: number; readonly atMs: number };

/** One loss as one node has noted it, with what it noted of it later. */
interface Account {
  readonly by: string;
  readonly boot: number;
  readonly lost: Lost;
  took: NoteOf<'took'> | null;
  served: NoteOf<'served'> | null;
  firstWrite: NoteOf<'first-write'> | null;
  regained: NoteOf<'regained'> | null;
}

/** One loss as all nodes have noted it. */
type Loss = readonly [Account, ...Account[]];

/**
 * The failovers that these nodes know of, the latest first; pure. Each node has noted what it saw, by its own clock: of each
 * moment the earliest that anybody saw counts, and what follows from something never comes before that.
 */
export function assembleFailovers(all: readonly NotedBy[]): Failover[] {
  const failovers = lossesOf(all.flatMap(accountsOf)).map(failoverOf);
  const suspected = withSuspicions(failovers, all);
  return suspected
    .sort((left, right) => lastOf(right) - lastOf(left) || inOrder(left.failover.node, right.failover.node))
    .slice(0, FAILOVERS_MAX)
    .map(({ failover }) => failover);
}

/** What is told, and what it takes to say what belongs to it. */
interface Told {
  readonly boot: number;
  readonly failover: Failover;
}

function lastOf({ failover: { fencedAtMs, suspectedAtMs } }: Told): number {
  return fencedAtMs ?? suspectedAtMs ?? 0;
}

function accountsOf({ node, boot, notes }: NotedBy): Account[] {
  const accounts = new Map<number, Account>();
  for (const note of notes) {
    switch (note.kind) {
      case 'lost':
        accounts.set(note.seq, {
          by: node,
          boot,
          lost: note,
          took: null,
          served: null,
          firstWrite: null,
          regained: null,
        });
        break;
      case 'took':
      case 'served':
      case 'first-write':
      case 'regained': {
        const account = accounts.get(note.lost);
        if (account !== undefined) follow(account, note);
        break;
      }
      default:
      // Of others a failover does not tell.
    }
  }
  return [...accounts.values()].slice(-ACCOUNTS_MAX);
}

function follow(account: Account, note: NoteOf<'took' | 'served' | 'first-write' | 'regained'>): void {
  if (note.kind === 'took') account.took ??= note;
  else if (note.kind === 'served') account.served ??= note;
  else if (note.kind === 'first-write') account.firstWrite ??= note;
  else account.regained ??= note;
}

function lossesOf(accounts: readonly Account[]): Loss[] {
  const byStart = new Map<string, [Account, ...Account[]][]>();
  for (const account of [...accounts].sort(
    (left, right) => left.lost.atMs - right.lost.atMs || inOrder(left.by, right.by),
  )) {
    const start = `${account.lost.node} ${account.lost.boot}`;
    const losses = byStart.get(start) ?? [];
    const same = losses.find((loss) => isSameLoss(loss, account));
    if (same === undefined) byStart.set(start, [...losses, [account]]);
    else same.push(account);
  }
  return [...byStart.values()].flat();
}

/** Of the same start of a node. */
function isSameLoss(loss: Loss, { by, boot, lost }: Account): boolean {
  // A node tells two losses apart.
  if (loss.some((other) => other.by === by && other.boot === boot)) return false;
  return loss.some(({ lost: { marks, atMs } }) => {
    if (marks.length === 0 || lost.marks.length === 0) return Math.abs(atMs - lost.atMs) <= SAME_LOSS_MS;
    return marks.some(([partition, epoch]) => lost.marks.some((mark) => mark[0] === partition && mark[1] === epoch));
  });
}

function failoverOf(loss: Loss): Told {
  // Whoever missed nothing on the way knows best; of these, the first.
  const [first, ...others] = loss;
  const { lost } = others.reduce((best, next) => (next.lost.unproven < best.lost.unproven ? next : best), first);
  const fencedAtMs = least(loss.map((account) => account.lost.atMs)) ?? lost.atMs;
  const suspectedAtMs = least(loss.map((account) => account.lost.suspectedAtMs));
  const promotedAtMs = least(loss.map(({ took }) => took?.firstAtMs ?? null));
  const promotedLastAtMs = largest(loss.map(({ took }) => took?.atMs ?? null));
  const notBefore = (floorMs: number | null, atMs: number | null): number | null =>
    atMs === null ? null : Math.max(atMs, floorMs ?? atMs);
  const promoted = notBefore(fencedAtMs, promotedAtMs);
  const failover: Failover = {
    node: lost.node,
    suspectedAtMs: suspectedAtMs === null ? null : Math.min(suspectedAtMs, fencedAtMs),
    fencedAtMs,
    promotedAtMs: promoted,
    promotedLastAtMs: notBefore(promoted, promotedLastAtMs),
    firstWriteAtMs: notBefore(promoted ?? fencedAtMs, least(loss.map(({ firstWrite }) => firstWrite?.atMs ?? null))),
    endedAtMs: notBefore(promotedLastAtMs ?? fencedAtMs, endOf(loss, lost)),
    partitions: lost.partitions,
    lostPartitions: lost.offline + lost.reset,
    keysLost: isNothingLost(loss, lost) ? 0 : null,
    takenBy: Object.fromEntries(lost.takenBy),
  };
  return { boot: lost.boot, failover };
}

/** When the last of whoever took something served it, and what was offline was served again; null: not yet, or unknown. */
function endOf(loss: Loss, { atMs, takenBy, offline }: Lost): number | null {
  let endMs = atMs;
  for (const [node] of takenBy) {
    const served = loss.find(({ by, served }) => by === node && served !== null)?.served;
    if (served === null || served === undefined) return null;
    endMs = Math.max(endMs, served.atMs);
  }
  if (offline === 0) return endMs;
  const regainedMs = least(loss.map(({ regained }) => regained?.atMs ?? null));
  return regainedMs === null ? null : Math.max(endMs, regainedMs);
}

/**
 * Every copy in sync holds every acknowledged write: nothing is lost when each new primary was one, and what had none in
 * sync beside the lost one came back with it.
 */
function isNothingLost(loss: Loss, { unproven, reset, offline }: Lost): boolean {
  if (unproven > 0 || reset > 0) return false;
  return offline === 0 || loss.some(({ regained }) => regained !== null && regained.empty === 0);
}

/** Nodes that are taken for lost, and of which the cluster has not said so yet. */
function withSuspicions(told: readonly Told[], all: readonly NotedBy[]): Told[] {
  const result = [...told];
  for (const { node, boot, sinceMs } of all.flatMap(({ suspicions }) => suspicions)) {
    const at = result.findIndex(
      (other) =>
        other.failover.node === node && other.boot === boot && sinceMs <= (other.failover.fencedAtMs ?? sinceMs),
    );
    const known = result[at];
    if (known === undefined) result.push({ boot, failover: suspected(node, sinceMs) });
    else if (known.failover.fencedAtMs === null) {
      const { suspectedAtMs } = known.failover;
      result[at] = { boot, failover: suspected(node, Math.min(sinceMs, suspectedAtMs ?? sinceMs)) };
    }
    // Whoever still suspects a node that others know to be lost has noted nothing of that yet, but will.
  }
  return result;
}

function suspected(node: string, suspectedAtMs: number): Failover {
  return {
    node,
    suspectedAtMs,
    fencedAtMs: null,
    promotedAtMs: null,
    promotedLastAtMs: null,
    firstWriteAtMs: null,
    endedAtMs: null,
    partitions: 0,
    lostPartitions: 0,
    keysLost: null,
    takenBy: {},
  };
}

/** What is told does not depend on who was asked first. */
function inOrder(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function least(values: readonly (number | null)[]): number | null {
  return values.reduce((best, value) => (value === null || (best !== null && best <= value) ? best : value), null);
}

function largest(values: readonly (number | null)[]): number | null {
  return values.reduce((best, value) => (value === null || (best !== null && best >= value) ? best : value), null);
}
