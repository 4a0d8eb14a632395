import test from 'ava';
import { ReplyKind, type ReplyReader } from '../../../../src/command/reply.ts';
import { PendingForwards } from '../../../../src/server/cluster/pending-forwards.ts';

test('of a lost link, reads are run again unless a write behind them was sent; what was not sent is run again', (t) => {
  const told: string[] = [];
  const sinkOf = (name: string) => ({
    onReply: (reply: ReplyReader) => {
      t.is(reply.kind, ReplyKind.error);
      told.push(`${name} ${reply.errorCode}`);
    },
    onRefused: () => told.push(`${name} again`),
  });
  const pending = new PendingForwards();
  const add = (name: string, isRead: boolean, isSent: boolean): void => {
    pending.addCommand(sinkOf(name), isRead, 0, 0).isSent = isSent;
  };
  add('early read', true, true);
  add('write', false, true);
  add('late read', true, true);
  add('unsent write', false, false);
  pending.abandon('the link was lost');
  t.deepEqual(told, ['early read try-again', 'write indeterminate', 'late read again', 'unsent write again']);
  t.is(pending.commands, 0);
});
