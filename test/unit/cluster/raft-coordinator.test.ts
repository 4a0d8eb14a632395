import test from 'ava';
import type { CoordinatorMessage } from '../../../src/cluster/cluster-message.ts';
import { defaultRaftOptions } from '../../../src/cluster/consensus/raft-options.ts';
import type { LogEntry, RaftState } from '../../../src/cluster/consensus/raft-types.ts';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import { emptyClusterState, noEndpoints } from '../../../src/cluster/controller/cluster-state.ts';
import { encodeCommand } from '../../../src/cluster/controller/command-codec.ts';
import { controllerDefaults } from '../../../src/cluster/controller/controller.ts';
import { encodeState } from '../../../src/cluster/controller/state-codec.ts';
import type { CoordinatorAnswer } from '../../../src/cluster/coordinator.ts';
import type { NodeId } from '../../../src/cluster/identity.ts';
import { RaftCoordinator } from '../../../src/cluster/raft-coordinator.ts';
import { settings } from './controller/configuration.ts';

interface Run {
  coordinator: RaftCoordinator;
  sent: [NodeId, CoordinatorMessage][];
  answers: [number, CoordinatorAnswer][];
  refused: string[];
  expelled: string[];
  /** Lets the clock run; what is to be persisted is so at once, unless `isStuck`. */
  runTo(untilMs: number, isStuck?: boolean): void;
}

/** A node of this name that `voters` founded a group with, and its log; no voters: it has no group yet. */
function start(
  node: NodeId,
  voters: readonly NodeId[],
  entries: readonly LogEntry[] = [],
  partitions: number | null = null,
): Run {
  const sent: Run['sent'] = [];
  const answers: Run['answers'] = [];
  const refused: string[] = [];
  const expelled: string[] = [];
  const unsaved: number[] = [];
  const snapshot = { index: 0, term: 0, membership: { voters, learners: [] }, data: encodeState(emptyClusterState) };
  const restored: RaftState = {
    hard: { term: entries.at(-1)?.term ?? 0, vote: null },
    snapshot: voters.length === 0 ? null : snapshot,
    entries,
  };
  const coordinator = new RaftCoordinator(
    {
      node,
      boot: 1,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: null,
      partitions,
      seeds: ['a', 'b'],
      settings: settings(2, 1),
      createAfterMs: 1000,
      heartbeatMs: 150,
      requestTimeoutMs: 2000,
      resendMs: 200,
      compactAfterEntries: 100,
      raft: defaultRaftOptions,
      controller: controllerDefaults,
      random: { nextUint32: () => 1 << 30 },
    },
    restored,
    {
      send: (to, message) => {
        if (message.kind !== 'raft') sent.push([to, message]);
      },
      persist: ({ number }) => unsaved.push(number),
      configured: () => {},
      answered: (request, answer) => answers.push([request, answer]),
      registrationRefused: (reason) => refused.push(reason),
      expelled: (reason, cause) => expelled.push(`${cause}: ${reason}`),
    },
    0,
  );
  let nowMs = 0;
  const runTo = (untilMs: number, isStuck = false): void => {
    for (; nowMs <= untilMs; nowMs++) {
      if (coordinator.wakeAtMs <= nowMs) coordinator.tick(nowMs);
      if (isStuck) continue;
      for (let number = unsaved.shift(); number !== undefined; number = unsaved.shift()) {
        coordinator.persisted(number, nowMs);
      }
    }
  };
  return { coordinator, sent, answers, refused, expelled, runTo };
}

function requestsOf({ sent }: Run): { to: NodeId; request: number; command: ClusterCommand }[] {
  return sent.flatMap(([to, message]) => {
    return message.kind === 'request' ? [{ to, request: message.request, command: message.command }] : [];
  });
}

test('a node that is alone founds a cluster: it leads, registers, creates the partitions and has a lease', (t) => {
  const run = start('a', ['a']);
  run.runTo(1500);
  const { state, lease } = run.coordinator;
  t.is(state.partitions.length, 2);
  t.true(state.partitions.every(({ primary }) => primary === 'a'));
  t.true(lease.endsAtMs > 1500);
  t.deepEqual(run.answers, [], 'what it asks on its own account is not the host’s business');
  t.deepEqual(run.refused, []);
});

test('while no disk takes the log a lease is renewed, unless what waits may take something from who has it', (t) => {
  const run = start('a', ['a']);
  run.runTo(1500);
  const entry = run.coordinator.state.partitions[0];
  if (entry === undefined) return t.fail('there are partitions');
  const [by] = entry.inSync;
  if (by === undefined) return t.fail('its primary is in sync');
  const { epoch, version, inSync: members } = entry;
  run.coordinator.submit(91, { type: 'alter-in-sync', partition: 0, by, epoch, version, members }, 1501);
  run.runTo(5000, true);
  t.is(run.answers.find(([request]) => request === 91)?.[1].type, 'unknown', 'it is not on the disk');
  t.true(run.coordinator.lease.endsAtMs > 5000);
  run.coordinator.submit(92, { type: 'set-settings', copies: 1, minInSync: 1, onLoss: 'reset' }, 5001);
  run.runTo(9000, true);
  t.true(run.coordinator.lease.endsAtMs < 9000);
  run.runTo(9500);
  t.true(run.coordinator.lease.endsAtMs > 9500, 'it is well again');
});

test('a node without a group asks the seeds in turn to be taken, until it is answered', (t) => {
  const run = start('c', []);
  run.runTo(700);
  const requests = requestsOf(run);
  t.deepEqual(new Set(requests.map(({ to }) => to)), new Set(['a', 'b']));
  t.is(new Set(requests.map(({ request }) => request)).size, 1, 'it is one request, sent again');
});

test('a refusal for now is not told: the node goes on asking', (t) => {
  const run = start('c', []);
  run.runTo(10);
  const first = requestsOf(run)[0];
  const answer: CoordinatorAnswer = { type: 'refused', reason: 'busy', isRetryable: true };
  run.coordinator.receive('a', { kind: 'answer', request: first?.request ?? 0, answer }, 11);
  t.deepEqual(run.refused, []);
  run.runTo(400);
  t.true(requestsOf(run).some(({ request }) => request !== first?.request));
});

test('a refusal for good is told, with its reason', (t) => {
  const run = start('c', []);
  run.runTo(10);
  const answer: CoordinatorAnswer = { type: 'refused', reason: 'no address', isRetryable: false };
  run.coordinator.receive('a', { kind: 'answer', request: requestsOf(run)[0]?.request ?? 0, answer }, 11);
  t.deepEqual(run.refused, ['no address']);
});

test('a node that is made for another number of partitions is never taken in, is told so, and asks no more', (t) => {
  const leader = start('a', ['a']);
  leader.runTo(1500);
  const joiner = start('c', [], [], 5);
  joiner.runTo(10);
  const [asked] = requestsOf(joiner);
  t.like(asked?.command, { type: 'register', partitions: 5 });
  if (asked === undefined) return;
  const { request, command } = asked;
  leader.coordinator.receive('c', { kind: 'request', request, command }, 1501);
  t.false(leader.coordinator.state.nodes.has('c'));
  const [to, message] = leader.sent.at(-1) ?? ['', null];
  t.is(to, 'c');
  if (message?.kind !== 'answer') return t.fail('it is answered');
  joiner.coordinator.receive('a', message, 11);
  const reason = 'the cluster has 2 partitions, and this node is set to 5; set partitions to 2';
  t.deepEqual([joiner.expelled, joiner.refused], [[`unfit: ${reason}`], []]);
  const count = requestsOf(joiner).length;
  joiner.runTo(3000);
  t.is(requestsOf(joiner).length, count);
});

test('a second process of the same name is not taken while the first one holds a lease', (t) => {
  const run = start('a', ['a']);
  run.runTo(1500);
  const command = {
    type: 'register',
    node: 'a',
    boot: 2,
    address: 'x:1',
    endpoints: noEndpoints,
    weight: 1,
    zone: null,
    partitions: null,
  } as const;
  run.coordinator.receive('x', { kind: 'request', request: 77, command }, 1501);
  run.runTo(4000);
  t.deepEqual(run.expelled, []);
  t.is(run.coordinator.state.nodes.get('a')?.boot, 1);
});

test('who does not lead says so, and who does', (t) => {
  const run = start('c', []);
  run.coordinator.receive('d', { kind: 'heartbeat', boot: 1, sentAtMs: 5, hasLease: false }, 1);
  t.deepEqual(run.sent.at(-1), ['d', { kind: 'not-leader', leader: null }]);
});

test('a command that no node could read is refused where it is asked for, and not sent to anybody', (t) => {
  const run = start('c', []);
  run.coordinator.submit(9, { type: 'set-settings', copies: 100, minInSync: 1, onLoss: 'offline' }, 0);
  const reason = 'copies is 100; allowed are whole numbers from 1 to 7';
  t.deepEqual(run.answers, [[9, { type: 'refused', reason, isRetryable: false }]]);
  run.runTo(50);
  t.deepEqual(
    run.sent.filter(([, message]) => message.kind === 'request' && message.command.type !== 'register'),
    [],
  );
});

test('an entry that no node can read does not stop who applies it', (t) => {
  const payload = encodeCommand({ type: 'reset', partition: 99_999, version: 0, givesUp: false });
  const run = start('a', ['a'], [{ index: 1, term: 1, kind: 'command', payload }]);
  run.runTo(1500);
  t.true(run.coordinator.appliedIndex > 1);
  t.is(run.coordinator.state.partitions.length, 2);
});

test('heartbeats come four to a lease where leases are shorter than the options reckon with', (t) => {
  const register = (node: NodeId) =>
    ({
      type: 'register',
      node,
      boot: 1,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: null,
      partitions: null,
    }) as const;
  const payloads = [register('a'), { type: 'create', settings: { ...settings(2, 1), leaseMs: 200 } } as const];
  const entries = payloads.map((command, place) => ({
    index: place + 1,
    term: 1,
    kind: 'command' as const,
    payload: encodeCommand(command),
  }));
  const run = start('a', ['a'], entries);
  run.runTo(1000);
  t.is(run.coordinator.state.settings?.leaseMs, 200);
  for (let nowMs = 1001; nowMs < 1500; nowMs += 7) {
    run.runTo(nowMs);
    const leftMs = run.coordinator.lease.endsAtMs - nowMs;
    t.true(leftMs > 140 && leftMs <= 200, `${leftMs} ms are left`);
  }
});
