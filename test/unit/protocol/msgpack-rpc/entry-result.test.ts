import test from 'ava';
import { unpack } from 'msgpackr';
import { ValueWriter } from '../../../../src/base/msgpack-writer.ts';
import { ValueType } from '../../../../src/base/view.ts';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import { ReplyValue } from '../../../../src/protocol/msgpack-rpc/reply-value.ts';

/** The result of `entry` for what `flux.entry` answers. */
function resultOf(expiresAtMs: number, staleMs: number, tags: readonly Uint8Array[], nowMs: number): unknown {
  const reply = new ReplyWriter();
  const bulk = (type: ValueType, bytes: Uint8Array): void => reply.bulk(type, bytes, 0, bytes.length);
  reply.array(6);
  bulk(ValueType.string, Buffer.from('v'));
  reply.integer(7);
  reply.integer(expiresAtMs);
  bulk(ValueType.string, new Uint8Array(0));
  reply.integer(staleMs);
  bulk(ValueType.bytes, Buffer.concat(tags.flatMap((tag) => [Uint8Array.of(tag.length), tag])));
  const reader = new ReplyReader();
  reader.openWritten(reply);
  const writer = new ValueWriter();
  new ReplyValue(writer).writeEntry(reader, nowMs);
  return unpack(Buffer.from(writer.bytes.subarray(0, writer.length)));
}

test('an entry without window or tags has the members that it always had', (t) => {
  t.deepEqual(resultOf(0, 0, [], 5), { value: 'v', version: 7, ttlMs: null, contentType: null });
});

test('a stale window and tags are there when the entry has them; a tag that is not UTF-8 is bin', (t) => {
  const plain = { value: 'v', version: 7, contentType: null };
  t.deepEqual(resultOf(1050, 300, [], 1000), { ...plain, ttlMs: 50, staleMs: 300 });
  t.deepEqual(resultOf(0, 0, [Buffer.from('x'), Buffer.from('é')], 0), { ...plain, ttlMs: null, tags: ['x', 'é'] });
  const longest = Buffer.alloc(255, 0x61);
  t.deepEqual(resultOf(20, 10, [Buffer.of(0, 255), longest], 10), {
    ...plain,
    ttlMs: 10,
    staleMs: 10,
    tags: [Buffer.of(0, 255), longest.toString()],
  });
});
