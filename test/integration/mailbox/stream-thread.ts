import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, type DoorbellHandle } from '../../../src/mailbox/doorbell.ts';
import { ASLEEP } from '../../../src/mailbox/layout.ts';
import { Outbox } from '../../../src/mailbox/outbox.ts';
import { RingConsumer, type RingHandle } from '../../../src/mailbox/ring.ts';
import { MessageStream } from './stream.ts';

export interface StreamOrder {
  role: 'send' | 'receive';
  ring: RingHandle;
  senderBell: DoorbellHandle;
  receiverBell: DoorbellHandle;
  count: number;
  seed: number;
  largeBytesMax: number;
  /** The sender lets the receiver fall asleep after every so many messages; 0: never. */
  burst: number;
  /** The receiver does so much idle work a message that the sender meets a full ring. */
  receiverDelay: number;
}

export interface StreamReport {
  messages: number;
  sleeps: number;
  /** What was wrong with the first message that differed from the one sent. */
  fault: string | null;
}

/** Far beyond any scheduling delay: a wait that ends by it is a lost wake-up. */
const LOST_MS = 5_000;

const order = workerData as StreamOrder;
const senderBell = new Doorbell(order.senderBell);
const receiverBell = new Doorbell(order.receiverBell);
const stream = new MessageStream(order.seed, order.largeBytesMax);
const report: StreamReport = { messages: 0, sleeps: 0, fault: null };
if (order.role === 'send') send();
else receive();
parentPort?.postMessage(report);

function send(): void {
  const outbox = new Outbox(order.ring, receiverBell, { queuedCountMax: 4, queuedBytesMax: 1 });
  let unsent = 0;
  while (report.messages < order.count && report.fault === null) {
    stream.next();
    let at = outbox.reserve(stream.size);
    while (at < 0 && report.fault === null) {
      sleepUntilRoom(outbox);
      at = outbox.reserve(stream.size);
    }
    if (at < 0) break;
    stream.fill(outbox.bytes, at);
    outbox.commit(stream.size, report.messages);
    report.messages += 1;
    unsent += 1;
    if (order.burst !== 0 && unsent >= order.burst) {
      unsent = 0;
      outbox.flush();
      // Ring about when the receiver announces sleep, looks again, or waits: each burst hits another instant.
      const hesitate = report.messages % 97;
      for (let spins = 0; Atomics.load(receiverBell.word, 0) !== ASLEEP && spins < 20_000; ) spins += 1;
      for (let i = 0; i < hesitate; i += 1) Atomics.load(receiverBell.word, 0);
    }
  }
  while (outbox.queuedCount !== 0 && report.fault === null) sleepUntilRoom(outbox);
  outbox.flush();
}

function sleepUntilRoom(outbox: Outbox): void {
  outbox.flush();
  senderBell.announce();
  if (outbox.queuedCount === 0 || outbox.drain()) {
    senderBell.withdraw();
    return;
  }
  report.sleeps += 1;
  if (!senderBell.wait(LOST_MS)) report.fault = `the sender was not woken after message ${report.messages}`;
}

function receive(): void {
  const consumer = new RingConsumer(order.ring);
  while (report.messages < order.count && report.fault === null) {
    while (consumer.next()) {
      stream.next();
      if (consumer.tag !== report.messages || consumer.length !== stream.size) {
        report.fault = `message ${report.messages}, ${stream.size} bytes: got ${consumer.tag}, ${consumer.length} bytes`;
        return;
      }
      const difference = stream.firstDifference(consumer.bytes, consumer.offset);
      if (difference >= 0) {
        report.fault = `message ${report.messages} differs at byte ${difference}`;
        return;
      }
      report.messages += 1;
      for (let i = 0; i < order.receiverDelay; i += 1) Atomics.load(receiverBell.word, 0);
      // Give back room in steps, so that the ends of the ring move against each other in every way.
      if ((report.messages & 31) === 0 && consumer.release()) senderBell.ring();
    }
    if (consumer.release()) senderBell.ring();
    if (report.messages === order.count) return;
    receiverBell.announce();
    if (consumer.hasMore()) {
      receiverBell.withdraw();
      continue;
    }
    report.sleeps += 1;
    if (!receiverBell.wait(LOST_MS)) report.fault = `the receiver was not woken after message ${report.messages}`;
  }
}
