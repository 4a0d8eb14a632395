import test from 'ava';
import type { PartitionEntry } from '../../../../src/cluster/controller/cluster-state.ts';
import type { Member } from '../../../../src/cluster/identity.ts';
import { type DesiredSetInput, desiredSet } from '../../../../src/cluster/replication/desired-set.ts';
import { Follower } from '../../../../src/cluster/replication/follower.ts';
import { defaultReplicationOptions } from '../../../../src/cluster/replication/replication-options.ts';

const NOW_MS = 10_000;

function member(node: string, generation = 0): Member {
  return { node, boot: 1, generation };
}

/** Heard `agoMs` ago, clean, with everything up to record `acked`. */
function heard(node: string, agoMs: number, acked = 10, generation = 0, version = 1): Follower {
  const atMs = NOW_MS - agoMs;
  const follower = new Follower(node, 10, defaultReplicationOptions, atMs);
  follower.meet(member(node, generation), atMs);
  follower.acknowledged(acked, 10, atMs);
  follower.cleaned(version);
  return follower;
}

function namesFor(inSync: string, replicas: string, followers: Follower[], changed: Partial<DesiredSetInput> = {}) {
  const entry: PartitionEntry = {
    epoch: 1,
    version: 1,
    primary: 'a',
    inSync: [...inSync].map((node) => member(node)),
    replicas: [...replicas],
    resetEpoch: 1,
    losses: 0,
  };
  return desiredSet({
    entry,
    self: member('a'),
    followers: new Map(followers.map((follower) => [follower.node, follower])),
    isFenced: () => false,
    minInSync: 1,
    joinFrom: 10,
    shrinkAfterMs: 500,
    nowMs: NOW_MS,
    ...changed,
  })
    .map(({ node }) => node)
    .join('');
}

test('those who keep up stay, and those who are behind leave', (t) => {
  t.is(namesFor('abc', 'abc', [heard('b', 100), heard('c', 100)]), 'abc');
  t.is(namesFor('abc', 'abc', [heard('b', 100), heard('c', 500)]), 'ab');
  t.is(namesFor('abc', 'abc', [heard('b', 700), heard('c', 900)]), 'a');
});

test('the longest silent leaves first where not all may', (t) => {
  t.is(namesFor('abc', 'abc', [heard('b', 700), heard('c', 900)], { minInSync: 2 }), 'ab');
  t.is(namesFor('abc', 'abc', [heard('b', 900), heard('c', 700)], { minInSync: 2 }), 'ac');
  t.is(namesFor('ab', 'ab', [heard('b', 900)], { minInSync: 2 }), 'ab');
  t.is(namesFor('ab', 'ab', [heard('b', 900)], { minInSync: 2, isFenced: (node) => node === 'b' }), 'a');
});

test('who has all, is clean, alive and placed joins', (t) => {
  t.is(namesFor('a', 'ab', [heard('b', 100)]), 'ab');
  t.is(namesFor('a', 'ab', [heard('b', 100, 9)]), 'a');
  t.is(namesFor('a', 'ab', [heard('b', 300)]), 'a');
  t.is(namesFor('a', 'a', [heard('b', 100)]), 'a');
  t.is(namesFor('a', 'ab', [heard('b', 100, 10, 0, 0)]), 'a', 'it has not seen the entry');
  t.is(namesFor('a', 'ab', [heard('b', 100)], { isFenced: (node) => node === 'b' }), 'a');
  const dirty = new Follower('b', 10, defaultReplicationOptions, NOW_MS);
  dirty.meet(member('b'), NOW_MS);
  dirty.acknowledged(10, 10, NOW_MS);
  t.is(namesFor('a', 'ab', [dirty]), 'a');
});

test('a new filling takes the place of the one that is gone, once it has all', (t) => {
  t.is(namesFor('ab', 'ab', [heard('b', 100, 3, 1)]), 'a');
  t.is(namesFor('ab', 'ab', [heard('b', 100, 3, 1)], { minInSync: 2 }), 'ab');
  t.is(namesFor('ab', 'ab', [heard('b', 100, 10, 1)], { minInSync: 2 }), 'ab');
});

test('who should be elsewhere leaves when all who should be here are, fenced or not', (t) => {
  const all = [heard('b', 100), heard('c', 100), heard('d', 100)];
  t.is(namesFor('abcd', 'abd', all), 'abd');
  t.is(namesFor('abc', 'abd', [heard('b', 100), heard('c', 100), heard('d', 100, 3)]), 'abc');
  t.is(namesFor('abcd', 'abd', [heard('b', 100), heard('c', 100), heard('d', 900)]), 'abc');
  t.is(namesFor('abcd', 'bcd', all), 'abcd', 'the primary itself hands over first');
});
