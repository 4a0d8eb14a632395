import fc from 'fast-check';
import type { ClusterMessage } from '../src/cluster/cluster-message.ts';
import type { LogEntry, Membership, RaftMessage, RaftSnapshot } from '../src/cluster/consensus/raft-types.ts';
import type { ClusterCommand } from '../src/cluster/controller/cluster-command.ts';
import type { ClusterSettings, ClusterState } from '../src/cluster/controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../src/cluster/coordinator.ts';
import { FRESH, type Member } from '../src/cluster/identity.ts';
import type { LogRecord, ReplicationMessage } from '../src/cluster/replication/replication-message.ts';

/** Anything that nodes of a cluster can tell each other or write down. */

export const nodeId = fc.stringMatching(/^[a-z0-9._-]{1,64}$/);
/** From 0 to 2^53 - 1, small ones more often. */
export const count = fc.oneof(fc.nat(200), fc.maxSafeNat());
/** Leaves room for a few more to follow. */
const countWithMore = fc.oneof(fc.nat(200), fc.nat({ max: 2 ** 53 - 1000 }));
/** No Buffer: what was read is compared with what was written. */
export const bytes = fc.uint8Array({ maxLength: 300 });
const time = fc.double({ noNaN: true, noDefaultInfinity: true });
const partition = fc.nat(16_383);

export const member: fc.Arbitrary<Member> = fc.record(
  { node: nodeId, boot: count, generation: fc.oneof(count, fc.constant(FRESH)) },
  { noNullPrototype: true },
);
const members = fc.array(member, { maxLength: 6 });

export const membership: fc.Arbitrary<Membership> = fc
  .uniqueArray(nodeId, { maxLength: 9 })
  .chain((ids) => fc.nat(ids.length).map((voters) => ({ voters: ids.slice(0, voters), learners: ids.slice(voters) })));

/** Entries that follow one another from `firstIndex` on. */
export function entriesFrom(firstIndex: number): fc.Arbitrary<LogEntry[]> {
  const entry = plain({
    term: count,
    kind: fc.constantFrom('command', 'membership', 'blank'),
    payload: bytes,
  } as const);
  return fc
    .array(entry, { maxLength: 5 })
    .map((list) => list.map((fields, place) => ({ index: firstIndex + place, ...fields })));
}

export const snapshot: fc.Arbitrary<RaftSnapshot> = plain({ index: count, term: count, membership, data: bytes });

const raftMessage: fc.Arbitrary<RaftMessage> = fc.oneof(
  plain({
    type: fc.constant('vote'),
    term: count,
    isPreVote: fc.boolean(),
    isTransfer: fc.boolean(),
    lastIndex: count,
    lastTerm: count,
  } as const),
  plain({ type: fc.constant('voted'), term: count, isPreVote: fc.boolean(), isGranted: fc.boolean() } as const),
  countWithMore.chain((previousIndex) =>
    plain({
      type: fc.constant('append'),
      term: count,
      previousIndex: fc.constant(previousIndex),
      previousTerm: count,
      entries: entriesFrom(previousIndex + 1),
      commit: count,
      round: count,
    } as const),
  ),
  plain({
    type: fc.constant('appended'),
    term: count,
    isAccepted: fc.boolean(),
    index: count,
    hintTerm: count,
    round: count,
  } as const),
  plain({ type: fc.constant('snapshot'), term: count, snapshot, round: count } as const),
  plain({ type: fc.constant('timeout-now'), term: count } as const),
);

function recordsAfter(previousSeq: number): fc.Arbitrary<LogRecord[]> {
  const record = plain({
    epoch: count,
    keys: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 4 }),
    effect: bytes,
  });
  return fc
    .array(record, { maxLength: 5 })
    .map((list) => list.map((fields, place) => ({ seq: previousSeq + 1 + place, ...fields })));
}

const replicationMessage: fc.Arbitrary<ReplicationMessage> = fc.oneof(
  countWithMore.chain((previousSeq) =>
    plain({
      type: fc.constant('append'),
      partition,
      epoch: count,
      previousSeq: fc.constant(previousSeq),
      previousEpoch: count,
      records: recordsAfter(previousSeq),
      committed: count,
      echo: time,
    } as const),
  ),
  plain({
    type: fc.constant('ack'),
    partition,
    epoch: count,
    member,
    seq: count,
    isClean: fc.boolean(),
    version: count,
    stamp: time,
  } as const),
  plain({
    type: fc.constant('nack'),
    partition,
    epoch: count,
    member,
    reason: fc.constantFrom('newer-epoch', 'gap', 'unusable'),
    seq: count,
    ask: count,
  } as const),
  plain({
    type: fc.constant('chunk'),
    partition,
    epoch: count,
    stream: count,
    index: count,
    ask: count,
    atSeq: count,
    atEpoch: count,
    entries: fc.array(bytes, { maxLength: 5 }),
    isLast: fc.boolean(),
  } as const),
  plain({
    type: fc.constant('chunk-ack'),
    partition,
    epoch: count,
    member,
    stream: count,
    index: count,
    seq: count,
  } as const),
);

const targets = {
  copies: fc.integer({ min: 1, max: 7 }),
  minInSync: fc.integer({ min: 1, max: 7 }),
  onLoss: fc.constantFrom('offline', 'reset'),
} as const;
const address = fc.string({ unit: 'grapheme', maxLength: 20 });
const endpoints = plain({ tcp: address, http: address, link: address });
const weight = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
const zone = fc.option(fc.string({ maxLength: 16 }));

function settingsOf(partitions: number): fc.Arbitrary<ClusterSettings> {
  return plain({
    partitions: fc.constant(partitions),
    leaseMs: fc.integer({ min: 100, max: 60_000 }),
    ...targets,
  } as const);
}

export const command: fc.Arbitrary<ClusterCommand> = fc.oneof(
  plain({ type: fc.constant('create'), settings: fc.integer({ min: 1, max: 16_384 }).chain(settingsOf) } as const),
  plain({
    type: fc.constant('register'),
    node: nodeId,
    boot: count,
    address,
    endpoints,
    weight,
    zone,
    partitions: fc.option(fc.integer({ min: 1, max: 16_384 })),
  } as const),
  plain({
    type: fc.constant('register'),
    node: nodeId,
    boot: count,
    address,
    endpoints,
    weight,
    zone,
    partitions: fc.constant(null),
    claims: fc.array(
      plain({
        partition: fc.integer({ min: 0, max: 16_383 }),
        since: count,
        generation: count,
        filledInEpoch: count,
        wholeSince: count,
      } as const),
      { maxLength: 4 },
    ),
  } as const),
  plain({ type: fc.constantFrom('fence', 'unfence', 'resume'), node: nodeId, boot: count } as const),
  plain({
    type: fc.constant('alter-in-sync'),
    partition,
    by: member,
    epoch: count,
    version: count,
    members,
  } as const),
  plain({
    type: fc.constant('hand-over'),
    partition,
    by: member,
    epoch: count,
    version: count,
    to: nodeId,
  } as const),
  plain({ type: fc.constant('lose'), partition, epoch: count, member } as const),
  plain({
    type: fc.constant('place'),
    moves: fc.array(plain({ partition, version: count, replicas: fc.array(nodeId, { maxLength: 4 }) }), {
      maxLength: 6,
    }),
  } as const),
  plain({
    type: fc.constant('drain'),
    node: nodeId,
    boot: count,
    isDraining: fc.boolean(),
    leaves: fc.boolean(),
  } as const),
  plain({ type: fc.constant('stop'), node: nodeId, boot: count, isOver: fc.boolean() } as const),
  plain({ type: fc.constant('remove'), node: nodeId } as const),
  plain({ type: fc.constant('reset'), partition, version: count, givesUp: fc.boolean() } as const),
  plain({ type: fc.constant('set-settings'), ...targets } as const),
);

const answer: fc.Arbitrary<CoordinatorAnswer> = fc.oneof(
  plain({ type: fc.constant('applied'), index: count } as const),
  plain({
    type: fc.constant('refused'),
    reason: fc.string({ unit: 'grapheme', maxLength: 100 }),
    isRetryable: fc.boolean(),
  } as const),
  plain({
    type: fc.constant('refused'),
    reason: fc.string({ unit: 'grapheme', maxLength: 100 }),
    isRetryable: fc.constant(false),
    isForGood: fc.constant(true as const),
  } as const),
  plain({ type: fc.constant('unknown') } as const),
);

export const message: fc.Arbitrary<ClusterMessage> = fc.oneof(
  plain({ kind: fc.constant('raft'), message: raftMessage } as const),
  plain({ kind: fc.constant('replication'), message: replicationMessage } as const),
  plain({ kind: fc.constant('request'), request: count, command } as const),
  plain({ kind: fc.constant('answer'), request: count, answer } as const),
  plain({ kind: fc.constant('heartbeat'), boot: count, sentAtMs: time, hasLease: fc.boolean() } as const),
  plain({ kind: fc.constant('heartbeat-ok'), boot: count, sentAtMs: time, index: count } as const),
  plain({ kind: fc.constant('not-leader'), leader: fc.option(nodeId) } as const),
);

const node = plain({
  id: nodeId,
  address,
  endpoints,
  boot: count,
  isFenced: fc.boolean(),
  isDraining: fc.boolean(),
  isLeaving: fc.boolean(),
  life: fc.constantFrom('running', 'stopping', 'stopped'),
  weight,
  zone,
});
const partitionEntry = plain({
  epoch: count,
  version: count,
  primary: fc.option(nodeId),
  inSync: members,
  replicas: fc.array(nodeId, { maxLength: 6 }),
  resetEpoch: count,
  losses: count,
});

export const state: fc.Arbitrary<ClusterState> = fc
  .record({
    nodes: fc.uniqueArray(node, { maxLength: 8, selector: (entry) => entry.id }),
    removed: fc.uniqueArray(fc.tuple(nodeId, count), { maxLength: 4, selector: ([id]) => id }),
    partitions: fc.array(partitionEntry, { maxLength: 8 }),
  })
  .chain(({ nodes, removed, partitions }) =>
    (partitions.length === 0 ? fc.constant(null) : settingsOf(partitions.length)).map((settings) => ({
      settings,
      nodes: new Map(nodes.map((entry) => [entry.id, entry])),
      removed: new Map(removed),
      partitions,
    })),
  );

/** Objects as literals make them. */
function plain<T>(fields: { [Field in keyof T]: fc.Arbitrary<T[Field]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
}
