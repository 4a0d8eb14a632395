import test from 'ava';
import { AssertionError } from '../../../../src/base/assert.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from '../../../../src/cluster/controller/cluster-state.ts';
import { validateState, validateTransition } from '../../../../src/cluster/controller/validate-state.ts';
import { after, alter, entryOf, fence, member, place, running } from './configuration.ts';

function withEntry(state: ClusterState, changed: Partial<PartitionEntry>): ClusterState {
  return { ...state, partitions: [{ ...entryOf(state), ...changed }] };
}

function withNode(state: ClusterState, node: string, changed: Partial<NodeEntry>): ClusterState {
  const entry = state.nodes.get(node);
  if (entry === undefined) throw new Error(`there is no node ${node}`);
  return { ...state, nodes: new Map([...state.nodes, [node, { ...entry, ...changed }]]) };
}

const sound = running('a', 'b', 'c');

test('a state that is not sound is found out', (t) => {
  const unsound: [RegExp, ClusterState][] = [
    [/member x is not registered/, withEntry(sound, { inSync: [member('a'), member('x')] })],
    [/member b is of another boot/, withEntry(sound, { inSync: [member('a'), member('b', 0, 2)] })],
    [/member b is of no generation/, withEntry(sound, { inSync: [member('a'), member('b', -2)] })],
    [/node a is in sync twice/, withEntry(sound, { inSync: [member('a'), member('b'), member('a', 1)] })],
    [/member b is fenced, not the last/, withNode(sound, 'b', { isFenced: true })],
    [/online without a live member/, withNode(after(sound, fence('b'), fence('c')), 'a', { isFenced: true })],
    [/online without a live member/, withEntry(sound, { inSync: [] })],
    [/offline, though a member is live/, withEntry(sound, { primary: null })],
    [/primary b is not in sync/, withEntry(sound, { primary: 'b', inSync: [member('a')] })],
    [/replica x is not registered/, withEntry(sound, { replicas: ['x'] })],
    [/replica a is placed twice/, withEntry(sound, { replicas: ['a', 'b', 'a'] })],
    [/epoch 9 is above version/, withEntry(sound, { epoch: 9 })],
    [/was reset in epoch 2, above 1/, withEntry(sound, { resetEpoch: 2 })],
    [/partitions without settings/, { ...sound, settings: null }],
    [/not as many partitions as set/, { ...sound, partitions: [] }],
  ];
  for (const [message, state] of unsound) t.throws(() => validateState(state), { instanceOf: AssertionError, message });
  validateState(sound);
});

test('a state that cannot follow another is found out, sound as it may be', (t) => {
  const before = entryOf(sound);
  const next = before.version + 1;
  const alone = after(sound, (now) => alter(now, 0, member('a')));
  const offline = after(sound, fence('a'), fence('b'), fence('c'));
  const impossible: [RegExp, ClusterState, ClusterState][] = [
    [/version 2 → 2/, sound, withEntry(sound, { replicas: ['a'] })],
    [/version 2 → 1/, sound, withEntry(sound, { version: 1 })],
    [/epoch 1 → 0/, sound, withEntry(sound, { version: next, epoch: 0, resetEpoch: 0 })],
    [/epoch 1 → 3/, sound, withEntry(sound, { version: next, epoch: 3 })],
    [/primary a → b in one epoch/, sound, withEntry(sound, { version: next, primary: 'b' })],
    [/losses 0 → -1/, sound, withEntry(sound, { version: next, losses: -1 })],
    [
      /new primary b was not in sync/,
      alone,
      withEntry(alone, { version: next + 1, epoch: 2, primary: 'b', inSync: [member('b')] }),
    ],
    [
      /new primary b was not in sync/,
      sound,
      withEntry(sound, { version: next, epoch: 2, primary: 'b', inSync: [member('b', 1)] }),
    ],
    [
      /begins empty in an epoch that is not its own/,
      after(sound, (now) => place(now, 0, 'a', 'b')),
      withEntry(sound, { version: 4, resetEpoch: 0 }),
    ],
    [
      /begins empty though it was not lost/,
      offline,
      withEntry(withNode(offline, 'a', { isFenced: false }), {
        version: entryOf(offline).version + 1,
        epoch: entryOf(offline).epoch + 1,
        resetEpoch: entryOf(offline).epoch + 1,
        primary: 'a',
        inSync: [member('a', -1)],
      }),
    ],
    [/boot of node b went back/, withNode(alone, 'b', { boot: 5 }), alone],
    [
      /number of partitions changed/,
      sound,
      { ...sound, settings: { ...settingsOf(sound), partitions: 2 }, partitions: [before, before] },
    ],
  ];
  for (const [message, from, to] of impossible) {
    t.throws(() => validateTransition(from, to), { instanceOf: AssertionError, message });
  }
  validateTransition(sound, alone);
});

function settingsOf({ settings }: ClusterState) {
  if (settings === null) throw new Error('there are no settings');
  return settings;
}
