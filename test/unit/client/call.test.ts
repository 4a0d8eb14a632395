import test from 'ava';
import { Call } from '../../../src/client/call.ts';
import { ReplyError, TimeoutError } from '../../../src/client/errors.ts';
import type { Operation } from '../../../src/client/operation.ts';

const write: Operation<unknown> = {
  method: 'set',
  params: ['k', 'v'],
  key: 'k',
  safety: 'idempotent',
  decode: (result) => result,
};

/** A call whose error is kept. */
function callOf(): { call: Call; error: () => unknown } {
  let error: unknown;
  const observer = { onFailed: () => undefined, onSettled: () => undefined };
  const keep = (fault: unknown) => {
    error = fault;
  };
  const call = new Call(write, {}, new Uint8Array(), Infinity, observer, () => undefined, keep);
  return { call, error: () => error };
}

test('a write that was refused, sent again and not answered tells which attempt was refused', (t) => {
  const { call, error } = callOf();
  call.wasSent = true;
  const refused = new ReplyError('cluster-down', 'The partition has no primary; it was not run.');
  call.lastError = refused;
  call.renew(refused);
  call.wasSent = true;
  call.timeOut(undefined);
  const fault = error();
  t.true(fault instanceof TimeoutError);
  t.like(fault, {
    message: 'No answer came in time. The attempt before: The partition has no primary; it was not run.',
    maybeApplied: true,
    retryable: false,
    cause: refused,
  });
});

test('a write that was refused until its time was up has done nothing', (t) => {
  const { call, error } = callOf();
  call.wasSent = true;
  const refused = new ReplyError('cluster-down', 'The partition has no primary; it was not run.');
  call.lastError = refused;
  call.renew(refused);
  call.timeOut(undefined);
  t.like(error(), {
    message: 'The call was refused until its time was up. The partition has no primary; it was not run.',
    maybeApplied: false,
    retryable: true,
  });
});
