import test from 'ava';
import { type Key, pressed } from '../../../../src/cli/top/keys.ts';
import type { TopState } from '../../../../src/cli/top/state.ts';
import { clusterNews, NOW_MS, sampleWith, stateAfter } from './known-node.ts';

const typed = (text: string): Key => ({ name: text, text, isCtrl: false });
const named = (name: string): Key => ({ name, text: '', isCtrl: false });
const control = (name: string): Key => ({ name, text: '', isCtrl: true });
const press = (state: TopState, ...keys: Key[]) =>
  keys.reduce((before, key) => pressed(before, key, NOW_MS).state, state);

const node = stateAfter([{ name: 'sample', value: sampleWith() }]);
const cluster = stateAfter([{ name: 'sample', value: sampleWith() }, clusterNews()], { view: 'cluster' });

test('q and Ctrl-C quit, from everywhere', (t) => {
  for (const state of [node, cluster, { ...node, isHelp: true }]) {
    for (const key of [typed('q'), control('c'), control('d')]) {
      t.deepEqual(pressed(state, key, NOW_MS).action, { kind: 'quit' });
    }
  }
});

test('numbers and Tab lead to the views, around their end, and leave the marked row and the help behind', (t) => {
  t.is(press(node, typed('5')).view, 'slow');
  t.is(press(node, named('tab')).view, 'commands');
  t.is(press(node, named('backtab')).view, 'events');
  t.is(press(node, typed('9')), node);
  t.like(press({ ...node, view: 'commands', cursor: 2, isHelp: true }, typed('3')), { cursor: 0, isHelp: false });
});

test('p stands still and goes on', (t) => {
  const still = press(node, typed('p'));
  t.is(still.frozen, node.known);
  t.is(press(still, typed(' ')).frozen, null);
});

test('s goes from column to column and then back to the order of the node; r turns it around', (t) => {
  const shards = { ...node, view: 'shards' } as const;
  const seen: (number | undefined)[] = [];
  let state: TopState = shards;
  for (let count = 0; count < 10; count++) {
    state = press(state, typed('s'));
    seen.push(state.sorts.shards?.by);
  }
  t.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, undefined]);
  t.is(press(shards, typed('S')).sorts.shards?.by, 8);
  t.deepEqual(press(shards, typed('s'), typed('r')).sorts.shards, { by: 0, isReversed: true });
  t.deepEqual(press(shards, typed('r')).sorts.shards, { by: 0, isReversed: true });
  t.is(press(shards, typed('s')).sorts.commands, undefined);
});

test('the marked row stays within the table', (t) => {
  const commands = { ...node, view: 'commands' } as const;
  t.is(press(commands, named('up')).cursor, 0);
  t.is(press(commands, named('down')).cursor, 1);
  t.is(press(commands, named('pagedown')).cursor, 2);
  t.is(press(commands, named('end'), named('up')).cursor, 1);
  t.is(press(commands, named('end'), named('home')).cursor, 0);
  t.is(press({ ...node, view: 'keys' }, named('down')).cursor, 0);
});

test('Enter leads to the marked node of the cluster, in the order in which they are shown', (t) => {
  const visit = (state: TopState) => pressed(state, named('return'), NOW_MS).action;
  t.deepEqual(visit(press(cluster, named('down'))), { kind: 'visit', tcp: '10.0.0.2:7379', http: '10.0.0.2:8081' });
  const byPrimaries = { ...cluster, sorts: { cluster: { by: 2, isReversed: false } } };
  t.deepEqual(visit(byPrimaries), { kind: 'visit', tcp: '10.0.0.2:7379', http: '10.0.0.2:8081' });
  t.deepEqual(visit(node), { kind: 'none' });
});

test('Enter tries a node that is lost again at once', (t) => {
  const lost: TopState = { ...node, link: { kind: 'lost', reason: 'gone', retryAtMs: NOW_MS + 1000 } };
  t.deepEqual(pressed(lost, named('return'), NOW_MS).action, { kind: 'retry' });
});

test('keys that mean nothing do nothing', (t) => {
  for (const key of [typed('x'), typed(''), typed('é'), named('f5'), control('x'), typed('qq')]) {
    t.deepEqual(pressed(node, key, NOW_MS), { state: node, action: { kind: 'none' } });
  }
});
