import { Buffer } from 'node:buffer';
import test from 'ava';
import { INVALIDATED_BYTES_MAX, INVALIDATED_TAGS_MAX } from '../../../src/base/cache-limits.ts';
import { tagsByCall } from '../../../src/client/tags-by-call.ts';

test('tags are told in as many calls as the server takes them in, in order, and none in no call', (t) => {
  t.deepEqual(tagsByCall([]), []);
  t.deepEqual(tagsByCall(['one', Uint8Array.of(1)]), [['one', Uint8Array.of(1)]]);
  const short = Array.from({ length: 2 * INVALIDATED_TAGS_MAX + 1 }, (_, index) => `${index}`);
  t.deepEqual(
    tagsByCall(short).map(({ length }) => length),
    [INVALIDATED_TAGS_MAX, INVALIDATED_TAGS_MAX, 1],
  );
  t.deepEqual(tagsByCall(short).flat(), short);
});

test('bytes of tags count as they are sent, so that no call is too large for the server', (t) => {
  const long = Array.from(
    { length: INVALIDATED_TAGS_MAX },
    (_, index) => 'ä'.repeat(125) + `${index}`.padStart(5, '0'),
  );
  const calls = tagsByCall(long);
  t.true(calls.length > 1);
  t.deepEqual(calls.flat(), long);
  for (const call of calls) {
    const bytes = call.reduce((sum, tag) => sum + 1 + Buffer.byteLength(tag), 0);
    t.true(bytes <= INVALIDATED_BYTES_MAX, `${bytes}`);
  }
});
