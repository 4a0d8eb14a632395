import test from 'ava';
import { ConnectionError, type FluxCacheError, ReplyError, TimeoutError } from '../../../src/client/errors.ts';
import type { Safety } from '../../../src/client/operation.ts';
import { type FailedAttempt, mayRetry } from '../../../src/client/retry-policy.ts';

const LOST = new ConnectionError('connection', 'lost');
const SAFETIES: readonly Safety[] = ['read', 'idempotent', 'once'];

function retries(error: FluxCacheError, change: Partial<FailedAttempt> = {}): Safety[] {
  return SAFETIES.filter((safety) =>
    mayRetry({
      error,
      safety,
      retryable: undefined,
      idempotentWrites: false,
      wasSent: true,
      attempts: 1,
      attemptsMax: 4,
      isPassing: false,
      ...change,
    }),
  );
}

test('when an answer was lost only reads are repeated, idempotent writes if told, others only call by call', (t) => {
  t.deepEqual(retries(LOST), ['read']);
  t.deepEqual(retries(LOST, { idempotentWrites: true }), ['read', 'idempotent']);
  t.deepEqual(retries(LOST, { retryable: true }), ['read', 'idempotent', 'once']);
  t.deepEqual(retries(LOST, { retryable: false, idempotentWrites: true }), []);
});

test('what was not sent is repeated, whatever it is', (t) => {
  t.deepEqual(retries(LOST, { wasSent: false }), ['read', 'idempotent', 'once']);
  t.deepEqual(retries(LOST, { wasSent: false, retryable: false }), []);
});

test('a refusal is repeated when the server says that this is safe, and an outcome nobody knows as a lost answer is', (t) => {
  t.deepEqual(retries(new ReplyError('overloaded', '', { retryable: true })), ['read', 'idempotent', 'once']);
  t.deepEqual(retries(new ReplyError('wrong-type', '')), []);
  t.deepEqual(retries(new ReplyError('indeterminate', '')), ['read']);
  t.deepEqual(retries(new ReplyError('indeterminate', ''), { idempotentWrites: true }), ['read', 'idempotent']);
});

test('time that ran out, unreadable answers and the last attempt are not followed by another', (t) => {
  t.deepEqual(retries(new TimeoutError('late')), []);
  t.deepEqual(retries(new ConnectionError('malformed-response', '')), []);
  t.deepEqual(retries(LOST, { attempts: 3 }), ['read']);
  t.deepEqual(retries(LOST, { attempts: 4 }), []);
});

test('what a cluster refuses for now is repeated however often it was, unless the caller forbids it', (t) => {
  const healing = new ReplyError('cluster-down', '', { retryable: true });
  t.deepEqual(retries(healing, { attempts: 100, isPassing: true }), ['read', 'idempotent', 'once']);
  t.deepEqual(retries(healing, { attempts: 100 }), []);
  t.deepEqual(retries(healing, { isPassing: true, retryable: false }), []);
});
