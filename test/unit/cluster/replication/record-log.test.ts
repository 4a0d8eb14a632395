import test from 'ava';
import { RecordLog, recordBytes } from '../../../../src/cluster/replication/record-log.ts';
import type { LogRecord } from '../../../../src/cluster/replication/replication-message.ts';

function record(seq: number, epoch = 1, bytes = 10): LogRecord {
  return { seq, epoch, keys: [seq], effect: new Uint8Array(bytes) };
}

function logOf(count: number): RecordLog {
  const log = new RecordLog();
  for (let seq = 1; seq <= count; seq++) log.push(record(seq));
  return log;
}

test('a log begins behind record 0 of epoch 0', (t) => {
  const log = new RecordLog();
  t.is(log.last, 0);
  t.is(log.lastEpoch, 0);
  t.is(log.bytes, 0);
});

test('records follow each other without a gap, and epochs do not fall', (t) => {
  const log = logOf(2);
  t.throws(() => log.push(record(4)), { message: /record 4 follows 2/ });
  log.push(record(3, 5));
  t.throws(() => log.push(record(4, 4)), { message: /follows one of a later epoch/ });
});

test('a slice has as many records as fit, and always one', (t) => {
  const log = logOf(6);
  const each = recordBytes(record(1));
  const seqs = (from: number, to: number, bytesMax: number) => log.slice(from, to, bytesMax).map(({ seq }) => seq);
  t.deepEqual(seqs(2, 5, 1e9), [2, 3, 4, 5]);
  t.deepEqual(seqs(2, 99, each * 3), [2, 3, 4]);
  t.deepEqual(seqs(2, 99, each * 3 - 1), [2, 3]);
  t.deepEqual(seqs(2, 99, 1), [2]);
  t.deepEqual(seqs(7, 99, 1e9), []);
});

test('a trimmed log knows the epoch of the last record it forgot, and sizes stay right', (t) => {
  const log = logOf(4);
  log.push(record(5, 2));
  log.trimTo(4);
  t.is(log.trimmed, 4);
  t.is(log.epochAt(4), 1);
  t.is(log.at(4), undefined);
  t.is(log.at(5)?.epoch, 2);
  t.is(log.bytes, recordBytes(record(5)));
  t.throws(() => log.epochAt(3), { message: /not kept/ });
});

test('a trim point leaves no more than it may, and does not pass its end', (t) => {
  const log = logOf(6);
  const each = recordBytes(record(1));
  t.is(log.trimPoint(6, 2 * each), 4);
  t.is(log.trimPoint(4, 2 * each), 2);
  t.is(log.trimPoint(6, 0), 6);
});

test('a cut log goes on with other records', (t) => {
  const log = logOf(4);
  log.truncateAfter(2);
  t.is(log.last, 2);
  log.push(record(3, 7));
  t.is(log.epochAt(3), 7);
  t.is(log.bytes, 3 * recordBytes(record(1)));
});

test('a log that is trimmed all the time finds the right records', (t) => {
  const log = new RecordLog();
  for (let seq = 1; seq <= 5000; seq++) {
    log.push(record(seq));
    log.trimTo(Math.max(0, seq - 10));
  }
  t.is(log.last, 5000);
  t.is(log.at(4991)?.seq, 4991);
  t.is(log.bytes, 10 * recordBytes(record(1)));
});

test('a reset log begins behind the record it was told', (t) => {
  const log = logOf(3);
  log.reset(40, 4);
  t.is(log.last, 40);
  t.is(log.lastEpoch, 4);
  log.push(record(41, 4));
  t.is(log.at(41)?.seq, 41);
});
