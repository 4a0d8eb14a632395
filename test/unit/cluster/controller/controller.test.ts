import test from 'ava';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import { type ClusterState, emptyClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import { Controller, controllerDefaults } from '../../../../src/cluster/controller/controller.ts';
import {
  after,
  alter,
  created,
  drain,
  entryOf,
  fence,
  leave,
  member,
  place,
  register,
  running,
  settings,
  stop,
} from './configuration.ts';

/** Of the lease of 1000 ms that `settings` has, and a tenth more. */
const WAIT_MS = 1100;
const GROUP = { voters: ['a', 'b', 'c'], learners: [] };
const caughtUp = () => ({ isCaughtUp: true });

function leading(changed: Partial<typeof controllerDefaults> = {}, nowMs = 0): Controller {
  const controller = new Controller({ ...controllerDefaults, self: 'a', ...changed });
  controller.lead(nowMs);
  return controller;
}

/** Lets time pass, deciding whenever it is due, while these nodes send heartbeats; answers what was proposed. */
function run(controller: Controller, state: ClusterState, fromMs: number, toMs: number, ...heard: string[]) {
  const commands: ClusterCommand[] = [];
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50) {
    for (const node of heard) controller.heard(node, state.nodes.get(node)?.boot ?? 0, nowMs);
    if (controller.wakeAtMs <= nowMs) commands.push(...controller.decide(state, GROUP, caughtUp, nowMs).commands);
  }
  return commands;
}

test('a node that is silent for a lease and a little more is fenced, and not before', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  t.deepEqual(run(controller, state, 0, 500, 'a', 'b', 'c'), []);
  t.deepEqual(run(controller, state, 550, 500 + WAIT_MS - 50, 'a', 'b'), []);
  t.deepEqual(run(controller, state, 500 + WAIT_MS, 500 + WAIT_MS, 'a', 'b'), [fence('c')]);
});

test('how long is waited is what the cluster was created with', (t) => {
  const controller = leading();
  const state = after(created({ ...settings(1, 1), leaseMs: 300 }, 'a', 'b'));
  t.deepEqual(run(controller, state, 0, 300, 'a'), [place(state, 0, 'a')]);
  t.deepEqual(run(controller, state, 350, 350, 'a'), [fence('b')]);
});

test('before the cluster is created nobody is fenced, starts anew or is taken into the group', (t) => {
  const controller = leading();
  const state = after(emptyClusterState, register('a'), register('b'), register('d'));
  for (let nowMs = 0; nowMs < 5000; nowMs += 50) {
    const { commands, membershipChanges } = controller.decide(state, GROUP, caughtUp, nowMs);
    t.deepEqual([...commands, ...membershipChanges], []);
  }
  t.deepEqual(controller.admit(state, register('b', 2), 5000), { type: 'wait', untilMs: 5100 });
  t.deepEqual(controller.admit(state, register('c'), 5000), { type: 'now' });
  const made = after(state, { type: 'create', settings: { ...settings(1, 1), leaseMs: 500 } });
  controller.heard('b', 1, 5000);
  t.deepEqual(controller.admit(made, register('b', 2), 5100), { type: 'wait', untilMs: 5550 });
});

test('a new leader waits as if it had heard of everybody when it began', (t) => {
  const controller = leading({}, 5000);
  const state = running('a', 'b', 'c');
  t.deepEqual(run(controller, state, 5000, 5000 + WAIT_MS - 50, 'a', 'b'), []);
  t.deepEqual(run(controller, state, 5000 + WAIT_MS, 5000 + WAIT_MS, 'a', 'b'), [fence('c')]);
});

test('a heartbeat of another start of the node counts for nothing', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  run(controller, state, 0, 50, 'a', 'b', 'c');
  t.false(controller.heard('c', 2, 100));
  t.false(controller.heard('x', 1, 100));
  t.true(controller.heard('b', 1, 100));
  for (let nowMs = 100; nowMs < 2000; nowMs += 100) controller.heard('c', 2, nowMs);
  t.deepEqual(run(controller, state, 100, 2000, 'a', 'b'), [fence('c')]);
});

test('after a sleep of its own a leader waits anew before it fences anybody', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  run(controller, state, 0, 500, 'a', 'b', 'c');
  t.deepEqual(controller.decide(state, GROUP, caughtUp, 9000).commands, []);
  t.deepEqual(run(controller, state, 9000, 9000 + WAIT_MS - 50, 'a', 'b'), []);
  t.deepEqual(run(controller, state, 9000 + WAIT_MS, 9000 + WAIT_MS, 'a', 'b'), [fence('c')]);
});

test('a fencing is proposed again only when nothing came of it for a while', (t) => {
  const controller = leading({ proposalTimeoutMs: 400 });
  const state = running('a', 'b', 'c');
  t.is(run(controller, state, 0, WAIT_MS + 350, 'a', 'b').length, 1);
  t.is(run(controller, state, WAIT_MS + 400, WAIT_MS + 500, 'a', 'b').length, 1);
});

test('a fencing that was refused, as while the group changes its leader, is proposed again soon', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  run(controller, state, 0, WAIT_MS - 50, 'a', 'b');
  for (let nowMs = WAIT_MS; nowMs < WAIT_MS + 200; nowMs += 20) {
    t.deepEqual(controller.decide(state, GROUP, caughtUp, nowMs).commands, [fence('c')], `${nowMs} ms`);
    t.deepEqual(controller.decide(state, GROUP, caughtUp, nowMs + 1).commands, []);
    controller.settled(fence('c'), false, nowMs);
    t.is(controller.wakeAtMs, nowMs + 20);
    t.deepEqual(controller.decide(state, GROUP, caughtUp, nowMs + 19).commands, []);
  }
});

test('what was applied may be proposed again at once, should it be due once more', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  t.is(run(controller, state, 0, WAIT_MS, 'a', 'b').length, 1);
  controller.settled(fence('c'), true, WAIT_MS);
  t.is(run(controller, state, WAIT_MS + 50, WAIT_MS + 50, 'a', 'b').length, 1);
});

test('a fenced node is taken back when it is heard of, at once', (t) => {
  const controller = leading();
  const state = after(running('a', 'b', 'c'), fence('c'));
  run(controller, state, 0, 500, 'a', 'b');
  t.true(controller.heard('c', 1, 520));
  t.is(controller.wakeAtMs, 520);
  t.deepEqual(controller.decide(state, GROUP, caughtUp, 520).commands, [{ type: 'unfence', node: 'c', boot: 1 }]);
});

test('what was heard before a fencing does not take the node back', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  run(controller, state, 0, 200, 'a', 'b', 'c');
  t.deepEqual(run(controller, after(state, fence('c')), 250, 500, 'a', 'b'), []);
});

test('a node that is heard but never holds a lease is fenced, and taken back when it holds one', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  const commands: ClusterCommand[] = [];
  let lastAnswerMs = 0;
  for (let nowMs = 0; commands.length === 0 && nowMs < 10_000; nowMs += 100) {
    for (const node of ['a', 'b']) controller.heard(node, 1, nowMs);
    if (controller.heard('c', 1, nowMs, nowMs < 500)) lastAnswerMs = nowMs;
    commands.push(...controller.decide(state, GROUP, caughtUp, nowMs).commands);
    if (commands.length > 0) t.true(nowMs >= lastAnswerMs + WAIT_MS, 'not while an answer could still serve it');
  }
  t.deepEqual(commands, [fence('c')]);
  const fenced = after(state, fence('c'));
  controller.decide(fenced, GROUP, caughtUp, 10_000);
  t.true(controller.heard('c', 1, 10_100, false), 'a fenced node is answered, so that it can get a lease');
  t.deepEqual(controller.decide(fenced, GROUP, caughtUp, 10_100).commands, []);
  t.true(controller.heard('c', 1, 10_200, true));
  t.deepEqual(controller.decide(fenced, GROUP, caughtUp, 10_200).commands, [{ type: 'unfence', node: 'c', boot: 1 }]);
});

test('nobody is taken for deaf while the leader gives no leases at all', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  controller.decide(state, GROUP, caughtUp, 0);
  for (let nowMs = 100; nowMs < 10_000; nowMs += 100) {
    for (const node of ['a', 'b', 'c']) t.true(controller.heard(node, 1, nowMs, false));
    t.deepEqual(controller.decide(state, GROUP, caughtUp, nowMs).commands, []);
  }
  for (let nowMs = 10_000; nowMs < 11_500; nowMs += 100) {
    for (const node of ['a', 'b', 'c']) t.true(controller.heard(node, 1, nowMs, node === 'a'), 'they get their time');
  }
});

test('a new start of a node that is not fenced waits until the old one can hold no lease', (t) => {
  const controller = leading();
  const state = running('a', 'b', 'c');
  run(controller, state, 0, 1500, 'a', 'b', 'c');
  t.deepEqual(controller.admit(state, register('c', 2), 1600), { type: 'wait', untilMs: 1500 + WAIT_MS });
  run(controller, state, 1650, 2000, 'a', 'b', 'c');
  t.deepEqual(controller.admit(state, register('c', 2), 2010), { type: 'wait', untilMs: 2000 + WAIT_MS });
  run(controller, state, 2050, 2000 + WAIT_MS - 50, 'a', 'b');
  t.deepEqual(controller.admit(state, register('c', 2), 2000 + WAIT_MS), { type: 'now' });
});

test('a new start of a fenced node is admitted at once, but not while it may have been unfenced by another leader', (t) => {
  const controller = leading();
  const state = after(running('a', 'b', 'c'), fence('c'));
  t.deepEqual(controller.admit(state, register('c', 2), 10), { type: 'wait', untilMs: WAIT_MS });
  run(controller, state, 0, 1500, 'a', 'b');
  t.deepEqual(controller.admit(state, register('c', 2), 1500), { type: 'now' });
});

test('new nodes, the same start again and an earlier one, which the state machine judges, do not wait', (t) => {
  const controller = leading();
  const state = after(running('a', 'b'), register('b', 2));
  t.deepEqual(controller.admit(state, register('z'), 0), { type: 'now' });
  t.deepEqual(controller.admit(state, register('b', 2), 0), { type: 'now' });
  t.deepEqual(controller.admit(state, register('b', 1), 0), { type: 'now' });
});

test('what only the controller decides is refused to everybody else', (t) => {
  const controller = leading();
  const state = running('a', 'b');
  for (const command of [fence('b'), place(state, 0, 'b')]) {
    t.regex(JSON.stringify(controller.admit(state, command, 0)), /for the controller alone/);
  }
  t.deepEqual(controller.admit(state, drain('b'), 0), { type: 'now' });
});

test('it proposes and counts nothing, and sleeps, while it does not lead', (t) => {
  const controller = leading();
  controller.resign();
  const state = running('a', 'b');
  t.is(controller.wakeAtMs, Number.POSITIVE_INFINITY);
  t.false(controller.heard('b', 1, 0));
  t.deepEqual(controller.decide(state, GROUP, caughtUp, 10_000).commands, []);
  t.is(controller.admit(state, drain('b'), 0).type, 'refuse');
});

test('a created cluster is placed on its live nodes in few commands, and begins', (t) => {
  const controller = leading();
  const state = created(settings(1000, 2), 'a', 'b', 'c');
  const commands = run(controller, state, 0, 50, 'a', 'b', 'c');
  t.deepEqual(
    commands.map((command) => command.type === 'place' && command.moves.length),
    [512, 488],
  );
  const begun = after(state, ...commands);
  t.true(begun.partitions.every((entry) => entry.primary !== null && entry.replicas.length === 2));
});

test('a created cluster waits for as many live nodes as minInSync', (t) => {
  const controller = leading();
  const state = after(created(settings(4, 2, 2), 'a', 'b'), fence('b'));
  t.deepEqual(run(controller, state, 0, 500, 'a'), []);
  const whole = after(state, register('b'));
  t.is(run(controller, whole, 550, 700, 'a', 'b').length, 1);
});

test('a dead node’s copies are placed elsewhere only after a while', (t) => {
  const controller = leading({ rebuildAfterMs: 3000 });
  const state = after(running('a', 'b'), register('c'), {
    type: 'set-settings',
    copies: 2,
    minInSync: 1,
    onLoss: 'offline',
  });
  const dead = after(state, fence('b'));
  t.deepEqual(run(controller, dead, 0, 2950, 'a', 'c'), []);
  t.deepEqual(run(controller, dead, 3000, 3200, 'a', 'c'), [place(dead, 0, 'a', 'c')]);
});

test('only so many partitions move at a time', (t) => {
  const controller = leading({ movesMax: 3 });
  const begun = after(created(settings(32, 1), 'a'), {
    type: 'place',
    moves: Array.from({ length: 32 }, (_, partition) => ({ partition, version: 0, replicas: ['a'] })),
  });
  const state = after(begun, register('b'));
  const first = run(controller, state, 0, 400, 'a', 'b');
  t.is(first.length, 3);
  const moving = after(state, ...first);
  t.deepEqual(run(controller, moving, 450, 900, 'a', 'b'), [], 'while they are under way no other begins');
});

test('a move that takes too long does not hold up others for ever', (t) => {
  const controller = leading({ movesMax: 1, moveTimeoutMs: 2000 });
  const state = after(created(settings(4, 1), 'a'), {
    type: 'place',
    moves: [0, 1, 2, 3].map((partition) => ({ partition, version: 0, replicas: ['a'] })),
  });
  const joined = after(state, register('b'), (now) => place(now, 0, 'b'));
  t.is(run(controller, joined, 0, 1950, 'a', 'b').length, 0);
  t.true(run(controller, joined, 2000, 2200, 'a', 'b').length > 0);
});

test('a partition whose last copy is about to end is placed on a node that stays, at once and beyond the limit', (t) => {
  const controller = leading({ movesMax: 1 });
  const made = after(created(settings(4, 2), 'a', 'b', 'c', 'd'), ({ partitions }) => ({
    type: 'place',
    moves: partitions.map(({ version }, partition) => ({ partition, version, replicas: ['a', 'b'] })),
  }));
  const state = after(made, stop('b', true), stop('a', false));
  const commands = run(controller, state, 0, 100, 'a', 'c', 'd');
  t.deepEqual(
    commands.map((command) => command.type === 'place' && command.moves[0]?.replicas.slice(1)),
    [['a'], ['a'], ['a'], ['a']],
  );
  const rescued = after(state, ...commands);
  const firsts = rescued.partitions.map(({ replicas }) => replicas[0]).sort();
  t.deepEqual(firsts, ['c', 'c', 'd', 'd']);
  t.deepEqual(run(controller, rescued, 150, 500, 'a', 'c', 'd'), [], 'it stays so while it is being copied');
});

test('a copy in sync that was to go is primary after one that is about to end, when no other stays', (t) => {
  const moved = after(created(settings(1, 2), 'a', 'b', 'c'), (state) => place(state, 0, 'a', 'c'));
  const both = after(moved, (state) => alter(state, 0, member('a'), member('c')));
  const state = after(both, (now) => place(now, 0, 'b', 'a'), stop('b', true), stop('a', false));
  t.deepEqual(run(leading(), state, 0, 100, 'a', 'c'), [place(state, 0, 'c', 'a')]);
});

test('a partition without a node that stays goes to one that is being drained, and one with such a copy goes nowhere', (t) => {
  const began = after(created(settings(1, 1), 'a', 'b'), (state) => place(state, 0, 'a'), drain('b'), stop('a', false));
  t.deepEqual(run(leading(), began, 0, 100, 'a', 'b')[0], place(began, 0, 'b'));
  const copied = after(created(settings(1, 2), 'a', 'b', 'c'), (state) => place(state, 0, 'a', 'b'), stop('a', false));
  const filling = after(copied, (state) => place(state, 0, 'b', 'a'));
  t.deepEqual(run(leading(), filling, 0, 100, 'a', 'b', 'c'), []);
});

test('a drained node that leaves is removed once nothing is left on it, but the leader not while it leads', (t) => {
  const controller = leading();
  const state = after(created(settings(1, 1), 'a', 'b', 'c'), (now) => place(now, 0, 'c'), leave('b'), leave('a'));
  t.deepEqual(run(controller, state, 0, 100, 'a', 'b', 'c'), [{ type: 'remove', node: 'b' }]);
});

test('a node that is only drained stays a member without copies', (t) => {
  const state = after(created(settings(1, 1), 'a', 'b', 'c'), (now) => place(now, 0, 'c'), drain('b'));
  t.deepEqual(run(leading(), state, 0, 3000, 'a', 'b', 'c'), []);
  const leaving = after(state, leave('b'));
  t.true(leaving.nodes.get('b')?.isLeaving);
  t.false(after(leaving, drain('b')).nodes.get('b')?.isLeaving);
  const [entry] = [after(leaving, register('b', 2)).nodes.get('b')];
  t.like(entry, { isDraining: true, isLeaving: true }, 'so it is after a start, too');
});

test('a drain waits while too few of the nodes that stay are there to hold the copies', (t) => {
  const controller = leading({ rebuildAfterMs: 1000 });
  const three = after(running('a', 'b'), register('c'), drain('b'));
  const dead = after(three, fence('c'));
  t.deepEqual(
    run(controller, dead, 0, 900, 'a', 'b').slice(0, 1),
    [place(dead, 0, 'a', 'c')],
    'a node that is silent for a moment is counted on',
  );
  t.deepEqual(run(leading({ rebuildAfterMs: 0 }), dead, 0, 900, 'a', 'b'), []);
  const two = after(running('a', 'b'), drain('b'));
  t.deepEqual(run(leading(), two, 0, 900, 'a', 'b'), [place(two, 0, 'a')], 'but not for nodes that do not exist');
});

test('a leader that is drained asks to hand over its leadership', (t) => {
  const controller = leading();
  t.is(controller.decide(after(running('a', 'b', 'c'), drain('a')), GROUP, caughtUp, 0).transferTo, 'b');
});

test('the last copy on a dead node is given up after a while where onLoss is reset, and never where it is offline', (t) => {
  for (const onLoss of ['reset', 'offline'] as const) {
    const controller = leading({ rebuildAfterMs: 2000, giveUpAfterMs: 5000 });
    let state = after(
      running('a', 'b'),
      { type: 'set-settings', copies: 1, minInSync: 1, onLoss },
      (now) => place(now, 0, 'b'),
      fence('a'),
      fence('b'),
      { ...register('a'), boot: 2 },
    );
    const early = run(controller, state, 0, 4950, 'a');
    t.true(early.every((command) => command.type === 'place'));
    t.deepEqual(early[0], place(state, 0, 'a'));
    state = after(state, place(state, 0, 'a'));
    const late = run(controller, state, 5000, 8000, 'a').slice(0, 1);
    t.deepEqual(
      late,
      onLoss === 'reset' ? [{ type: 'reset', partition: 0, version: entryOf(state).version, givesUp: true }] : [],
    );
    if (onLoss === 'reset') t.is(entryOf(after(state, ...late)).losses, 1);
  }
});

test('members of the group that leave the cluster leave the group; unknown ones after a while', (t) => {
  const controller = leading({ rebuildAfterMs: 3000 });
  const group = { voters: ['a', 'b', 'c', 'd'], learners: [] };
  const state = running('a', 'b', 'c');
  const at = (nowMs: number, now = state) => {
    for (const node of ['a', 'b', 'c']) controller.heard(node, 1, nowMs);
    return controller.decide(now, group, caughtUp, nowMs).membershipChanges;
  };
  for (let nowMs = 0; nowMs < 3000; nowMs += 100) t.deepEqual(at(nowMs), []);
  t.deepEqual(at(3000), [{ type: 'remove', node: 'd' }]);
  t.deepEqual(at(3100), [], 'and is not asked again at every step');

  const other = leading({ rebuildAfterMs: 3000 });
  const joined = after(state, register('d'));
  other.decide(joined, group, caughtUp, 0);
  const left = after(joined, { type: 'remove', node: 'd' });
  t.deepEqual(other.decide(left, group, caughtUp, 100).membershipChanges, [{ type: 'remove', node: 'd' }]);
});
