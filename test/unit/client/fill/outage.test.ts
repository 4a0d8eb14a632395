import test from 'ava';
import { Outage } from '../../../../src/client/fill/outage.ts';

test('a node that was away is tried once a second, whatever is asked meanwhile', (t) => {
  const outage = new Outage();
  t.true(outage.mayAsk('a', 0));
  t.true(outage.failed('a', 0));
  t.false(outage.mayAsk('a', 999));
  t.true(outage.mayAsk('a', 1000));
  t.false(outage.mayAsk('a', 1001));
  t.false(outage.failed('a', 1500));
  t.false(outage.mayAsk('a', 2499));
  t.true(outage.mayAsk('b', 1));
});

test('a node that answered, or a connection that was made, ends the outage', (t) => {
  const outage = new Outage();
  outage.failed('a', 0);
  outage.answered('a');
  t.true(outage.mayAsk('a', 1));
  outage.failed('a', 2);
  outage.clear();
  t.true(outage.mayAsk('a', 3));
});
