import { parentPort, workerData } from 'node:worker_threads';
import { ActorMailbox } from '../src/mailbox/actor-mailbox.ts';
import { Doorbell, type DoorbellHandle } from '../src/mailbox/doorbell.ts';
import type { MailboxHandle } from '../src/mailbox/mailbox.ts';
import { Outbox } from '../src/mailbox/outbox.ts';
import { RingConsumer, type RingHandle } from '../src/mailbox/ring.ts';

/** What a thread of the mailbox benchmark does until it is terminated, or until the stream's end. */
export type MailboxThreadOrder =
  | { role: 'mailbox echo'; handle: MailboxHandle }
  | { role: 'port echo' }
  | { role: 'stream in' | 'stream out'; ring: RingHandle; bells: DoorbellHandle[]; count: number; bytes: number };

const order = workerData as MailboxThreadOrder;
switch (order.role) {
  case 'mailbox echo':
    echo(order.handle);
    break;
  case 'port echo':
    parentPort?.on('message', (message: Uint8Array) => parentPort?.postMessage(message));
    break;
  case 'stream in':
    parentPort?.postMessage(streamIn(order.ring, order.bells, order.count, order.bytes));
    break;
  case 'stream out':
    parentPort?.postMessage(streamOut(order.ring, order.bells, order.count));
    break;
}

function echo(handle: MailboxHandle): void {
  const mailbox = new ActorMailbox(handle);
  const bell = new Doorbell(handle.actorBell);
  for (;;) {
    while (mailbox.next()) {
      const { bytes, offset, length } = mailbox.commands;
      mailbox.reply(bytes, offset, offset + length);
    }
    mailbox.flush();
    bell.announce();
    if (mailbox.hasWork()) bell.withdraw();
    else bell.wait(1000);
  }
}

/** Sends `count` messages that begin with their number; answers how many. */
function streamIn(ring: RingHandle, bells: DoorbellHandle[], count: number, bytes: number): number {
  const [own, other] = bells.map((handle) => new Doorbell(handle)) as [Doorbell, Doorbell];
  const outbox = new Outbox(ring, other, { queuedCountMax: 0, queuedBytesMax: 0 });
  for (let i = 0; i < count; i += 1) {
    let at = outbox.reserve(bytes);
    while (at < 0) {
      outbox.flush();
      own.announce();
      if (outbox.ring.awaitRoom(bytes)) own.withdraw();
      else own.wait(1000);
      at = outbox.reserve(bytes);
    }
    outbox.ring.words[at >> 2] = i;
    outbox.commit(bytes, i);
    if ((i & 63) === 63) outbox.flush();
  }
  outbox.flush();
  return count;
}

/** Takes `count` messages and answers the milliseconds from the first to the last; -1 when one was not the next. */
function streamOut(ring: RingHandle, bells: DoorbellHandle[], count: number): number {
  const [other, own] = bells.map((handle) => new Doorbell(handle)) as [Doorbell, Doorbell];
  const consumer = new RingConsumer(ring);
  let startMs = 0;
  for (let taken = 0; taken < count; ) {
    while (consumer.next()) {
      const { bytes, offset } = consumer;
      const number = (bytes[offset] as number) | ((bytes[offset + 1] as number) << 8);
      if (number !== (taken & 0xffff)) return -1;
      if (taken === 0) startMs = performance.now();
      taken += 1;
      if ((taken & 63) === 0 && consumer.release()) other.ring();
    }
    if (consumer.release()) other.ring();
    own.announce();
    if (consumer.hasMore() || taken === count) own.withdraw();
    else own.wait(1000);
  }
  return performance.now() - startMs;
}
