import test from 'ava';
import type { Logger } from '../../../../src/base/ports.ts';
import { SlowLog } from '../../../../src/server/control/slow-log.ts';
import { type SlowCall, SlowReport } from '../../../../src/server/control/slow-report.ts';

const nothing = (): void => undefined;

const call: SlowCall = {
  command: 'get',
  durationMs: 12.3456789,
  protocol: 'resp',
  address: '',
  clientName: '',
  trace: null,
};

function reportTo(records: object[], nowMs: () => number = () => 0): SlowReport {
  const log: Logger = { debug: nothing, info: nothing, error: nothing, warn: (fields) => void records.push(fields) };
  return new SlowReport(log, nowMs);
}

test('a slow command is logged with its client and with its trace, under the names of OpenTelemetry', (t) => {
  const records: object[] = [];
  const report = reportTo(records);
  report.tell(call);
  report.tell({
    ...call,
    protocol: 'http',
    address: '10.0.0.1',
    clientName: 'shop',
    trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), flags: '01' },
  });
  t.deepEqual(records, [
    { command: 'get', durationMs: 12.346, protocol: 'resp' },
    {
      command: 'get',
      durationMs: 12.346,
      protocol: 'http',
      address: '10.0.0.1',
      clientName: 'shop',
      trace_id: 'a'.repeat(32),
      span_id: 'b'.repeat(16),
      trace_flags: '01',
    },
  ]);
});

test('of a flood of slow commands only some are logged, and how many are not is told with the next one', (t) => {
  const records: object[] = [];
  let nowMs = 5000;
  const report = reportTo(records, () => nowMs);
  for (let count = 0; count < 1000; count++) report.tell(call);
  t.is(records.length, 50);
  nowMs += 1000;
  report.tell(call);
  report.tell(call);
  t.like(records[50], { leftOut: 950 });
  t.false('leftOut' in (records[51] ?? {}));
});

test('what is kept for SLOWLOG is logged where that is asked for, without its arguments', (t) => {
  const records: object[] = [];
  const log = new SlowLog({ nowMs: () => 0 }, 0, reportTo(records));
  log.add('get', null, 1, { address: '127.0.0.1:5', name: '', protocol: 'msgpack' });
  t.deepEqual(records, [{ command: 'get', durationMs: 1, protocol: 'msgpack', address: '127.0.0.1:5' }]);
});
