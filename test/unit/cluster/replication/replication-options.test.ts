import test from 'ava';
import {
  defaultReplicationOptions,
  replicationOptionsFault,
} from '../../../../src/cluster/replication/replication-options.ts';

test('the defaults hold together', (t) => {
  t.is(replicationOptionsFault(defaultReplicationOptions), null);
});

test('options that cannot work are refused with a reason', (t) => {
  const fault = (changed: object) => replicationOptionsFault({ ...defaultReplicationOptions, ...changed });
  t.is(fault({ resendMs: 0 }), 'resendMs is 0; it must be a number above 0');
  t.is(fault({ resendMs: Number.NaN }), 'resendMs is NaN; it must be a number above 0');
  t.is(
    fault({ shrinkAfterMs: 200 }),
    'shrinkAfterMs is 200; it must be at least three times keepaliveMs, which is 100',
  );
  t.is(fault({ inFlightMax: 1.5 }), 'inFlightMax is 1.5; it must be a whole number');
  t.is(fault({ catchUpBytesMax: 10 }), 'catchUpBytesMax is 10; it must be at least retainedBytesMax, which is 1048576');
});
