import test from 'ava';
import { policyLayoutFor } from '../../../src/store/policy-layout.ts';
import { RejectedKeys } from '../../../src/store/rejected-keys.ts';

const BUDGET_BYTES = 2 ** 20;
const HALF_BYTES = BUDGET_BYTES / 2;

function table(): RejectedKeys {
  const { rejectedWords } = policyLayoutFor(BUDGET_BYTES);
  return new RejectedKeys(new Int32Array(rejectedWords), 0, rejectedWords, BUDGET_BYTES);
}

test('a key that was let go is known with the mark of whom it lost to, once', (t) => {
  const rejected = table();
  t.is(rejected.take(-77), 0);
  rejected.put(-77, 100, -5);
  t.is(rejected.take(-78), 0);
  t.is(rejected.take(-77), -5);
  t.is(rejected.take(-77), 0);
});

test('a key is forgotten when half of the budget was let go after it', (t) => {
  const rejected = table();
  rejected.put(1, 64, 7);
  rejected.put(-1, HALF_BYTES, 8);
  t.is(rejected.take(1), 7);
  rejected.put(1, 64, 7);
  rejected.put(-1, HALF_BYTES + 128, 8);
  t.is(rejected.take(1), 0);
});

test('a full bucket forgets whom it has known longest', (t) => {
  const rejected = table();
  for (const [i, hash] of [1, 2, 3].entries()) rejected.put(hash, 1000, i + 1);
  t.is(rejected.take(1), 0);
  t.is(rejected.take(2), 2);
  t.is(rejected.take(3), 3);
});
