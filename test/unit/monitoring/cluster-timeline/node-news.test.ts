import test from 'ava';
import { decodeNews, encodeNews, NOTES_AT_ONCE_MAX } from '../../../../src/monitoring/cluster-timeline/node-news.ts';
import type { ClusterNote } from '../../../../src/server/cluster/cluster-note.ts';

const news = { boot: 1, told: 0, hasMore: false, notes: [], suspicions: [], sample: null };

test('what is longer than 8 MiB is not even read', (t) => {
  const text = encodeNews(news);
  const padded = (length: number): Uint8Array => Buffer.concat([text, Buffer.alloc(length - text.length, ' ')]);
  t.deepEqual(decodeNews(padded(8 << 20)), news);
  t.is(decodeNews(padded((8 << 20) + 1)), null);
});

test('more notes than are told at once, or longer lists than a cluster may have nodes, are none', (t) => {
  const note: ClusterNote = { kind: 'online', partitions: 1, seq: 1, atMs: 0 };
  const notes = (count: number) => Array.from({ length: count }, () => note);
  t.is(decodeNews(encodeNews({ ...news, notes: notes(NOTES_AT_ONCE_MAX) }))?.notes.length, NOTES_AT_ONCE_MAX);
  t.is(decodeNews(encodeNews({ ...news, notes: notes(NOTES_AT_ONCE_MAX + 1) })), null);
  const suspicions = (count: number) => Array.from({ length: count }, () => ({ node: 'n', boot: 1, sinceMs: 1 }));
  t.is(decodeNews(encodeNews({ ...news, suspicions: suspicions(1024) }))?.suspicions.length, 1024);
  t.is(decodeNews(encodeNews({ ...news, suspicions: suspicions(1025) })), null);
});
