import test from 'ava';
import { PartitionGates } from '../../../src/cluster/partition-gates.ts';
import { type ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import { GuardedReplies } from '../../../src/shard/guarded-replies.ts';
import { GuardKind, RefusalReason, WAIT_BYTES, WAITS_HEAD_BYTES } from '../../../src/shard/guarded-reply.ts';
import { plainReply } from '../../in-thread-shards.ts';

function guard(limits = { countMax: 100, bytesMax: 10_000, waitMsMax: 1000 }) {
  const gates = new PartitionGates(PartitionGates.create(4));
  for (let partition = 0; partition < 4; partition++) gates.beginReign(partition, 1, 10);
  const clock = { nowMs: 0 };
  const replies = new GuardedReplies(gates, () => clock.nowMs, 'nobody knows', limits);
  const heard: unknown[] = [];
  const sink = {
    onReply: (reply: ReplyReader): void => void heard.push(plainReply(reply)),
    onRefused: (reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void =>
      void heard.push([reason, Buffer.from(bytes.subarray(start, start + length)).toString('latin1')]),
  };
  /** A message of the shard, which is overwritten after the call. */
  const take = (bytes: Uint8Array): void => {
    const message = Uint8Array.from([0xaa, ...bytes, 0xaa]);
    replies.take(sink, message, 1, message.length - 1);
    message.fill(0xee);
  };
  return { gates, clock, replies, heard, take };
}

function integer(value: number): Uint8Array {
  const writer = new ReplyWriter();
  writer.integer(value);
  return writer.bytes.slice(0, writer.length);
}

/** A reply that waits for writes, each `[partition, seq]` of the first reign. */
function waiting(value: number, ...waits: readonly (readonly [number, number])[]): Uint8Array {
  const head = new Uint8Array(WAITS_HEAD_BYTES + waits.length * WAIT_BYTES);
  const words = new DataView(head.buffer);
  head[0] = GuardKind.waits;
  words.setUint16(1, waits.length, true);
  for (const [index, [partition, seq]] of waits.entries()) {
    const at = WAITS_HEAD_BYTES + index * WAIT_BYTES;
    words.setUint16(at, partition, true);
    words.setInt32(at + 2, 1, true);
    words.setInt32(at + 6, seq, true);
  }
  return Uint8Array.from([...head, ...integer(value)]);
}

test('a plain reply, and one whose writes are acknowledged, are handed over at once', (t) => {
  const { take, heard, replies } = guard();
  take(Uint8Array.from([GuardKind.plain, ...integer(1)]));
  take(waiting(2, [0, 10], [1, 9]));
  take(waiting(3));
  t.deepEqual(heard, [1, 2, 3]);
  t.is(replies.count, 0);
});

test('a reply waits for each of its writes, and no longer than those behind it of other partitions', (t) => {
  const { take, heard, replies, gates } = guard();
  take(waiting(1, [0, 11], [1, 11]));
  take(waiting(2, [2, 11]));
  t.is(replies.count, 2);
  t.false(replies.isReleasable);
  gates.setAcknowledged(2, 11);
  t.true(replies.isReleasable);
  t.is(replies.release(), 1);
  gates.setAcknowledged(0, 11);
  t.is(replies.release(), 0, 'it goes on to the next of its writes');
  t.deepEqual(heard, [2]);
  gates.setAcknowledged(1, 12);
  replies.release();
  t.deepEqual(heard, [2, 1]);
  t.is(replies.count, 0);
  t.is(replies.bytes, 0);
});

test('replies of one partition are handed over in their order, as far as writes are acknowledged', (t) => {
  const { take, heard, replies, gates } = guard();
  for (let seq = 11; seq <= 3000; seq++) take(waiting(seq, [0, seq]));
  gates.setAcknowledged(0, 2000);
  replies.release();
  t.is(heard.length, 1990);
  t.deepEqual(heard.slice(0, 3), [11, 12, 13]);
  gates.setAcknowledged(0, 3000);
  replies.release();
  t.is(heard.length, 2990);
  t.is(heard.at(-1), 3000);
});

test('a write of a reign that has ended without it has an outcome that is not known', (t) => {
  const { take, heard, replies, gates } = guard();
  take(waiting(1, [0, 11]));
  gates.endReign(0);
  replies.release();
  take(waiting(2, [0, 12]));
  t.is(heard.length, 2);
  for (const reply of heard) t.regex(String(reply), /^error indeterminate /);
});

test('a write that is not acknowledged in time has an outcome that is not known', (t) => {
  const { take, heard, replies, clock } = guard();
  take(waiting(1, [0, 11]));
  clock.nowMs = 999;
  replies.release();
  t.deepEqual(heard, []);
  clock.nowMs = 1000;
  replies.release();
  t.regex(String(heard[0]), /^error indeterminate /);
});

test('a command that was refused goes back as it came', (t) => {
  const { take, heard } = guard();
  take(Uint8Array.from([GuardKind.refused, RefusalReason.handingOver, 0x41, 0x42, 0x43]));
  t.deepEqual(heard, [[RefusalReason.handingOver, 'ABC']]);
});

test('what waits is bounded, and answered when the shard ends', (t) => {
  const { take, heard, replies } = guard({ countMax: 2, bytesMax: 10_000, waitMsMax: 1000 });
  take(waiting(1, [0, 11]));
  t.false(replies.isFull);
  take(waiting(2, [0, 12]));
  t.true(replies.isFull);
  replies.abandon();
  t.is(heard.length, 2);
  t.false(replies.isFull);
});
