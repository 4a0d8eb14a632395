import test from 'ava';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import { emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { FRESH, type Member } from '../../../../src/cluster/identity.ts';
import {
  after,
  alter,
  created,
  drain,
  entryOf,
  fence,
  handOver,
  member,
  place,
  refusalOf,
  register,
  reset,
  running,
  runningWith,
  settings,
} from './configuration.ts';

function lose(epoch: number, lost: Member, partition = 0): ClusterCommand {
  return { type: 'lose', partition, epoch, member: lost };
}

test('a created cluster has its partitions, offline and never begun', (t) => {
  const state = created(settings(3, 2), 'a', 'b');
  t.is(state.partitions.length, 3);
  t.deepEqual(entryOf(state, 2), {
    epoch: 0,
    version: 0,
    primary: null,
    inSync: [],
    replicas: [],
    resetEpoch: 0,
    losses: 0,
  });
  t.regex(refusalOf(state, { type: 'create', settings: settings(1, 1) }), /exists already/);
});

test('a cluster whose settings cannot work is not created', (t) => {
  t.regex(
    refusalOf(emptyClusterState, { type: 'create', settings: settings(4, 1, 2) }),
    /minInSync is 2 but copies is 1/,
  );
  t.regex(refusalOf(emptyClusterState, { type: 'create', settings: settings(0, 1) }), /partitions is 0/);
});

test('a partition begins when it is first placed, on its first live replica, as a fresh copy and without a loss', (t) => {
  const state = after(created(settings(1, 2), 'a', 'b'), fence('a'), (now) => place(now, 0, 'a', 'b'));
  t.deepEqual(entryOf(state), {
    epoch: 1,
    version: 1,
    primary: 'b',
    inSync: [member('b', FRESH)],
    replicas: ['a', 'b'],
    resetEpoch: 1,
    losses: 0,
  });
});

test('placing anew changes where copies should be, and nothing else', (t) => {
  const before = after(running('a', 'b'), register('c'));
  const state = after(before, (now) => place(now, 0, 'c', 'a'));
  t.deepEqual(entryOf(state), { ...entryOf(before), replicas: ['c', 'a'], version: entryOf(before).version + 1 });
  t.is(after(state, (now) => place(now, 0, 'c', 'a')).partitions, state.partitions, 'the same again is no change');
});

test('a placement that is stale, twice the same, too long or on unknown nodes is refused as a whole', (t) => {
  const state = after(created(settings(2, 2), 'a', 'b'), (now) => place(now, 0, 'a', 'b'));
  const move = (partition: number, version: number, ...replicas: string[]) => ({ partition, version, replicas });
  const placed = (...moves: ReturnType<typeof move>[]) => refusalOf(state, { type: 'place', moves });
  t.regex(placed(move(1, 0, 'a'), move(0, 0, 'b')), /partition 0: it is at version 1, not 0/);
  t.regex(placed(move(1, 0, 'a'), move(1, 0, 'b')), /placed twice/);
  t.regex(placed(move(1, 0)), /0 replicas.*allowed are 1 to 7/);
  t.regex(placed(move(1, 0, 'a', 'b', 'a')), /named twice/);
  t.regex(placed(move(1, 0, 'a', 'x')), /no node x/);
  t.regex(placed(move(2, 0, 'a')), /no partition 2; they are numbered from 0 to 1/);
});

test('the primary adds members and takes others out, by compare-and-set', (t) => {
  const before = after(running('a', 'b'), register('c'), (now) => place(now, 0, 'a', 'c'));
  const state = after(before, (now) => alter(now, 0, member('a'), member('c', 4)));
  const { primary, epoch, version, inSync } = entryOf(state);
  t.deepEqual(
    { primary, epoch, version, inSync },
    { primary: 'a', epoch: 1, version: entryOf(before).version + 1, inSync: [member('a'), member('c', 4)] },
  );
});

test('asking for the same set raises the version, so that what was asked before dies', (t) => {
  const before = after(running('a', 'b'));
  const old = alter(before, 0, member('a'));
  const state = after(before, (now) => alter(now, 0, member('a'), member('b')));
  t.deepEqual(entryOf(state).inSync, entryOf(before).inSync);
  t.regex(refusalOf(state, old), /not at 1, 2/);
});

test('a fresh primary may be named by the generation it has', (t) => {
  const state = after(
    created(settings(1, 1), 'a'),
    (now) => place(now, 0, 'a'),
    (now) => alter(now, 0, member('a', 3)),
  );
  t.deepEqual(entryOf(state).inSync, [member('a', 3)]);
});

test('a change of the set is refused to anybody but the primary as it is', (t) => {
  const state = running('a', 'b');
  const asked = alter(state, 0, member('a'), member('b'));
  t.regex(refusalOf(state, { ...asked, by: member('b') }), /b is not its primary \(a\)/);
  t.regex(refusalOf(state, { ...asked, by: member('a', 1) }), /generation 1.*; only a \(boot 1, generation 0\)/);
  t.regex(refusalOf(state, { ...asked, by: member('a', 0, 2) }), /boot 2/);
  t.regex(refusalOf(state, { ...asked, epoch: 0 }), /at epoch 1, version 2, not at 0, 2/);
  t.regex(refusalOf(state, { ...asked, version: 1 }), /not at 1, 1/);
  t.regex(refusalOf(state, { ...asked, partition: 1 }), /no partition 1/);
  t.regex(refusalOf(after(state, fence('b'), fence('a')), asked), /none, it is offline/);
});

test('a set is refused that lacks the primary, names a node twice, or is endless', (t) => {
  const state = running('a', 'b');
  t.regex(refusalOf(state, alter(state, 0, member('b'))), /primary a must stay/);
  t.regex(refusalOf(state, alter(state, 0)), /primary a must stay/);
  t.regex(refusalOf(state, alter(state, 0, member('a'), member('b'), member('b', 1))), /named twice/);
  const many = Array.from({ length: 15 }, (_, index) => member(`n${index}`));
  t.regex(refusalOf(state, alter(state, 0, ...many)), /15 members are too many/);
});

test('nobody joins a set who is fenced, of another boot, fresh, unknown or without a placed copy', (t) => {
  const state = after(running('a', 'b', 'c'), fence('b'), register('d'));
  const joining = (other: Member) => refusalOf(state, alter(state, 0, member('a'), other));
  t.regex(joining(member('b', 1)), /node b is fenced/);
  t.regex(joining(member('c', 0, 2)), /boot 1, not 2/);
  t.regex(joining(member('c', FRESH)), /generation -1 of c/);
  t.regex(joining(member('x')), /no node x/);
  t.regex(joining(member('d')), /no copy is placed on node d; one of a, b, c/);
});

test('a hand-over makes another member primary in a new epoch, and the old one stays in sync', (t) => {
  const before = running('a', 'b');
  const state = after(before, handOver(before, 0, 'b'));
  t.deepEqual(entryOf(state), {
    ...entryOf(before),
    epoch: 2,
    version: entryOf(before).version + 1,
    primary: 'b',
  });
});

test('a hand-over is refused to who is not in sync, to the primary itself, and from anybody else', (t) => {
  const state = after(running('a', 'b', 'c'), fence('c'));
  t.regex(refusalOf(state, handOver(state, 0, 'c')), /c is not in sync; one of a, b/);
  t.regex(refusalOf(state, handOver(state, 0, 'a')), /primary already/);
  const asked = handOver(state, 0, 'b');
  t.regex(refusalOf(state, { ...asked, by: member('b') }), /not its primary/);
  t.regex(refusalOf(state, { ...asked, version: 0 }), /ask again/);
  t.regex(refusalOf(state, { ...asked, partition: 9 }), /no partition 9/);
});

test('a lost copy leaves the set, and the primary moves when it was the one that lost it', (t) => {
  const state = after(running('a', 'b'), lose(1, member('a')));
  const { primary, epoch, inSync } = entryOf(state);
  t.deepEqual({ primary, epoch, inSync }, { primary: 'b', epoch: 2, inSync: [member('b')] });
});

test('a lost copy that is not in sync raises the version all the same', (t) => {
  const before = after(running('a', 'b'), (now) => alter(now, 0, member('a')));
  const asked = alter(before, 0, member('a'), member('b'));
  const state = after(before, lose(1, member('b')));
  t.deepEqual(entryOf(state), { ...entryOf(before), version: entryOf(before).version + 1 });
  t.regex(refusalOf(state, asked), /ask again/);
});

test('losing a copy concerns earlier fillings of the memory, not later ones', (t) => {
  const state = after(running('a', 'b'), (now) => alter(now, 0, member('a'), member('b', 5)));
  t.is(entryOf(after(state, lose(1, member('b', 4)))).inSync.length, 2);
  t.is(entryOf(after(state, lose(1, member('b', 6)))).inSync.length, 1);
});

test('losing the last copy is a loss, and the partition begins anew where onLoss is reset', (t) => {
  const offline = entryOf(after(running('a'), lose(1, member('a'))));
  t.deepEqual([offline.primary, offline.inSync, offline.losses], [null, [], 1]);
  const begun = entryOf(after(runningWith({ onLoss: 'reset' }, 'a'), lose(1, member('a'))));
  t.deepEqual([begun.primary, begun.inSync, begun.losses, begun.resetEpoch], ['a', [member('a', FRESH)], 1, 2]);
});

test('a loss that is told late or twice does not take the copy that began after it', (t) => {
  const told = lose(1, member('a', 0));
  const begun = after(runningWith({ onLoss: 'reset' }, 'a'), told);
  t.deepEqual(entryOf(after(begun, told)).inSync, [member('a', FRESH)]);
  t.is(entryOf(after(begun, told)).losses, 1);
  t.is(entryOf(after(begun, lose(2, member('a', 1)))).losses, 2, 'but one that is told knowing of it does');
});

test('a loss of another start of the node is refused', (t) => {
  t.regex(refusalOf(running('a'), lose(1, member('a', 0, 2))), /partition 0: node a is registered with boot 1, not 2/);
  t.regex(refusalOf(running('a'), lose(1, member('a'), 7)), /no partition 7/);
});

test('a reset begins an offline partition without copies on its first live replica, whatever onLoss is', (t) => {
  const lost = after(running('a', 'b'), fence('b'), lose(1, member('a')), fence('a'), register('b', 2));
  const state = after(lost, reset(lost, 0, false));
  const { primary, epoch, resetEpoch, inSync, losses } = entryOf(state);
  t.deepEqual(
    { primary, epoch, resetEpoch, inSync, losses },
    { primary: 'b', epoch: 2, resetEpoch: 2, inSync: [member('b', FRESH, 2)], losses: 1 },
  );
});

test('a reset gives up a copy on a fenced node only when it says so, and that is a loss', (t) => {
  const waiting = after(running('a', 'b'), fence('a'), fence('b'), register('a', 2));
  t.deepEqual(entryOf(waiting).inSync, [member('b')]);
  t.regex(refusalOf(waiting, reset(waiting, 0, false)), /node b, which has its last copy.*give/);
  const begun = entryOf(after(waiting, reset(waiting, 0, true)));
  t.deepEqual([begun.primary, begun.inSync, begun.losses], ['a', [member('a', FRESH, 2)], 1]);
});

test('a reset that was asked for at an earlier version is refused: it was not meant for what there is now', (t) => {
  const waiting = after(running('a', 'b'), fence('a'), fence('b'), register('a', 2));
  const asked = reset(waiting, 0, true);
  const begun = after(waiting, asked, fence('a', 2));
  t.is(entryOf(begun).primary, null);
  t.regex(refusalOf(begun, asked), /partition 0 is at version \d+, not \d+; look at it again/);
});

test('a reset is refused while the partition is online, or nobody is there to begin it', (t) => {
  const state = running('a', 'b');
  t.regex(refusalOf(state, reset(state, 0, true)), /online on a/);
  const dead = after(state, fence('b'), fence('a'));
  t.regex(refusalOf(dead, reset(dead, 0, true)), /\(a, b\) is live; start one/);
  t.regex(refusalOf(state, reset(state, 3, false)), /no partition 3/);
});

test('settings change for a running cluster, and lost partitions begin when onLoss becomes reset', (t) => {
  const lost = after(running('a', 'b'), fence('b'), lose(1, member('a')));
  const state = after(lost, { type: 'set-settings', copies: 3, minInSync: 2, onLoss: 'reset' });
  t.deepEqual(state.settings, { partitions: 1, leaseMs: 1000, copies: 3, minInSync: 2, onLoss: 'reset' });
  t.is(entryOf(state).primary, 'a');
  t.regex(
    refusalOf(state, { type: 'set-settings', copies: 2, minInSync: 3, onLoss: 'reset' }),
    /minInSync is 3 but copies is 2.*allowed are 1 to 2/,
  );
  t.regex(
    refusalOf(emptyClusterState, { type: 'set-settings', copies: 1, minInSync: 1, onLoss: 'reset' }),
    /no cluster yet/,
  );
});

test('partitions that a command does not concern stay the very same objects', (t) => {
  const state = after(created(settings(3, 2), 'a', 'b'), (now) => place(now, 1, 'a', 'b'));
  const next = after(state, (now) => alter(now, 1, member('a', 1), member('b')), drain('b'));
  t.is(next.partitions[0], state.partitions[0]);
  t.not(next.partitions[1], state.partitions[1]);
});
