import test from 'ava';
import { WaitState } from '../../../src/base/wait-state.ts';
import { LogGate, LogState } from '../../../src/persistence/log-gate.ts';

function openGate(goesOn = false): LogGate {
  const gate = new LogGate(LogGate.create(goesOn));
  gate.setState(LogState.well);
  return gate;
}

test('a reply waits until its record is acknowledged, also past the largest number of 32 bits', (t) => {
  const gate = openGate();
  for (const last of [10, 2 ** 31 - 2, 2 ** 31 + 5, 2 ** 32 - 2, 2 ** 32 + 7]) {
    gate.setAcknowledged(last);
    t.is(gate.waitState(0, 0, last | 0), WaitState.acknowledged);
    t.is(gate.waitState(0, 0, (last + 1) | 0), WaitState.waiting);
    gate.setAcknowledged(last + 1);
    t.is(gate.waitState(0, 0, (last + 1) | 0), WaitState.acknowledged);
  }
});

test("what an actor did not get to the log is abandoned, though its number is another record's by now", (t) => {
  const gate = openGate();
  gate.setAcknowledged(5);
  gate.beginReign(8);
  t.is(gate.waitState(0, 0, 8), WaitState.waiting);
  t.is(gate.waitState(0, 0, 9), WaitState.abandoned);
  gate.setAcknowledged(20);
  t.is(gate.waitState(0, 0, 8), WaitState.acknowledged);
  t.is(gate.waitState(0, 0, 9), WaitState.abandoned);
  t.is(gate.waitState(0, 1, 9), WaitState.acknowledged);
  gate.beginReign(20);
  t.is(gate.waitState(0, 0, 3), WaitState.abandoned, 'nothing is known of the one before the last');
  t.is(gate.waitState(0, 1, 20), WaitState.acknowledged);
});

test('where writes go on without the disk, replies wait only while the log is well', (t) => {
  for (const goesOn of [true, false]) {
    const gate = openGate(goesOn);
    gate.setAcknowledged(5);
    t.is(gate.waitState(0, 0, 6), WaitState.waiting);
    gate.setState(LogState.failing);
    t.is(gate.waitState(0, 0, 6), goesOn ? WaitState.acknowledged : WaitState.waiting);
  }
});

test('records that wait are those sent and not acknowledged', (t) => {
  const gate = openGate();
  gate.setAcknowledged(2 ** 32 - 1);
  gate.setAppended(2 ** 32 + 3);
  t.is(gate.waiting, 4);
  gate.setAcknowledged(2 ** 32 + 3);
  t.is(gate.waiting, 0);
});
