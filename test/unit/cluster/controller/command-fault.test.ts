import test from 'ava';
import { applyPayload } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import { noEndpoints } from '../../../../src/cluster/controller/cluster-state.ts';
import { encodeCommand } from '../../../../src/cluster/controller/command-codec.ts';
import { commandFault } from '../../../../src/cluster/controller/command-fault.ts';
import { Controller, controllerDefaults } from '../../../../src/cluster/controller/controller.ts';
import { alter, created, drain, handOver, member, place, register, running, settings } from './configuration.ts';

const targets = { type: 'set-settings', copies: 3, minInSync: 2, onLoss: 'offline' } as const;
const reset = { type: 'reset', partition: 0, version: 0, givesUp: false } as const;

/** Each can be written to the log, and could be read by no node. */
const faulty: readonly (readonly [ClusterCommand, RegExp])[] = [
  [{ ...targets, copies: 100 }, /^copies is 100; allowed are whole numbers from 1 to 7$/],
  [{ ...targets, copies: 0 }, /^copies is 0; allowed/],
  [{ ...reset, partition: 99_999 }, /^partition is 99999; allowed are whole numbers from 0 to 16383$/],
  [{ ...reset, partition: -1 }, /^partition is -1; allowed/],
  [drain('Bad Name'), /^node: 'Bad Name' is no name of a node; allowed/],
  [{ ...register('a'), zone: 'z'.repeat(80) }, /^the zone of node a is no text of at most 64 bytes/],
  [{ ...register('a'), address: 'ö'.repeat(200) }, /^the address of node a is no text of 1 to 260 bytes/],
  [
    { ...register('a'), endpoints: { ...noEndpoints, http: 'h'.repeat(261) } },
    /^the http endpoint of node a is no text/,
  ],
  [{ ...register('a'), weight: 1e9 }, /^the weight of node a is 1000000000; allowed are 0.000001 to 1000000/],
  [register('a', -1), /^boot is -1; allowed are whole numbers from 0$/],
];

test('what no node could read is found at fault, with what is allowed', (t) => {
  for (const [command, fault] of faulty) t.regex(commandFault(command) ?? 'no fault', fault);
});

test('an entry that no node can read is refused when it is applied, and changes nothing', (t) => {
  const state = running('a', 'b');
  for (const [command] of faulty) {
    const outcome = applyPayload(state, encodeCommand(command));
    t.is(outcome.state, state, JSON.stringify(command));
    t.regex(outcome.refusal ?? 'no refusal', /cannot be read/, JSON.stringify(command));
  }
  t.is(applyPayload(state, new Uint8Array()).state, state);
});

test('an entry that can be read is applied', (t) => {
  const state = running('a', 'b');
  t.true(applyPayload(state, encodeCommand(drain('a'))).state.nodes.get('a')?.isDraining);
});

test('the controller lets none of them into the log, whoever asks', (t) => {
  const controller = new Controller({ ...controllerDefaults, self: 'a' });
  controller.lead(0);
  for (const [command, fault] of faulty) {
    const admission = controller.admit(running('a', 'b'), command, 10);
    t.regex(admission.type === 'refuse' ? admission.reason : admission.type, fault);
  }
});

test('commands as nodes and administrators send them have no fault', (t) => {
  const state = running('a', 'b');
  const good: readonly ClusterCommand[] = [
    { type: 'create', settings: settings(16_384, 7, 7) },
    { ...register('a'), zone: 'west' },
    alter(state, 0, member('a'), member('b')),
    handOver(state, 0, 'b'),
    place(created(settings(1, 2), 'a', 'b'), 0, 'a', 'b'),
    { type: 'lose', partition: 0, epoch: 1, member: member('b') },
    reset,
    targets,
  ];
  for (const command of good) t.is(commandFault(command), null, command.type);
});
