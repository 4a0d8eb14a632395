import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { createRing } from '../../../src/mailbox/ring.ts';
import { testScale } from '../../scale.ts';
import { startThread } from '../../thread.ts';
import type { StreamOrder, StreamReport } from './stream-thread.ts';

const thread = new URL('./stream-thread.ts', import.meta.url);

interface StreamCase {
  capacityBytes: number;
  count: number;
  largeBytesMax: number;
  burst: number;
  receiverDelay: number;
}

/** Runs one sender and one receiver thread to the end and answers how often each slept. */
async function stream(t: ExecutionContext, streamCase: StreamCase): Promise<{ sender: number; receiver: number }> {
  const order: Omit<StreamOrder, 'role'> = {
    ...streamCase,
    ring: createRing(streamCase.capacityBytes, streamCase.largeBytesMax),
    senderBell: createDoorbell(),
    receiverBell: createDoorbell(),
    seed: 0x9e3779b9,
  };
  const reports = (['receive', 'send'] as const).map(async (role) => {
    const [report] = (await once(startThread(thread, { ...order, role }), 'message')) as [StreamReport];
    return report;
  });
  const [receiver, sender] = (await Promise.all(reports)) as [StreamReport, StreamReport];
  t.is(receiver.fault, null);
  t.is(sender.fault, null);
  t.is(receiver.messages, streamCase.count);
  return { sender: sender.sleeps, receiver: receiver.sleeps };
}

test.serial('two threads: every byte of two million messages of random sizes arrives, in order', async (t) => {
  await stream(t, {
    capacityBytes: 256 * 1024,
    count: 2_000_000 * testScale,
    largeBytesMax: 300_000,
    burst: 0,
    receiverDelay: 0,
  });
});

test.serial('bursts and idle periods: no wake-up of the receiver is lost', async (t) => {
  const count = 100_000 * testScale;
  const sleeps = await stream(t, { capacityBytes: 4096, count, largeBytesMax: 5000, burst: 2, receiverDelay: 0 });
  t.true(sleeps.receiver > count / 100, `the receiver slept ${sleeps.receiver} times`);
});

test.serial('a slow receiver: the sender sleeps on a full ring, and no wake-up of it is lost', async (t) => {
  const count = 100_000 * testScale;
  const sleeps = await stream(t, { capacityBytes: 1024, count, largeBytesMax: 3000, burst: 0, receiverDelay: 100 });
  t.true(sleeps.sender > count / 1000, `the sender slept ${sleeps.sender} times`);
});
