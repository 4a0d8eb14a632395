import test from 'ava';
import { PeerNotebook } from '../../../../src/monitoring/cluster-timeline/peer-notebook.ts';
import type { ClusterNote } from '../../../../src/server/cluster/cluster-note.ts';

function tell(book: PeerNotebook, boot: number, first: number, count: number): void {
  const notes = Array.from({ length: count }, (_, index): ClusterNote => {
    return { kind: 'online', partitions: 1, seq: first + index, atMs: 0 };
  });
  book.take('n1', { boot, told: first + count - 1, hasMore: false, notes, suspicions: [], sample: null }, 1);
}

test('of what a node notes the last 512 are kept, over its starts', (t) => {
  const book = new PeerNotebook();
  for (let first = 1; first <= 640; first += 64) tell(book, 1, first, 64);
  const kept = (): [boot: number, first: number | undefined, count: number][] =>
    [...book.noted()].map(({ boot, notes }) => [boot, notes[0]?.seq, notes.length]);
  t.deepEqual(kept(), [[1, 129, 512]]);
  tell(book, 2, 1, 12);
  t.deepEqual(kept(), [
    [1, 141, 500],
    [2, 1, 12],
  ]);
  for (let first = 13; first <= 512; first += 64) tell(book, 2, first, 64);
  t.deepEqual(kept(), [[2, 13, 512]], 'nothing is left of the first start');
  t.deepEqual(book.questionFor('n1'), { boot: 2, after: 524 });
});

test('of more than a thousand nodes the one that was not heard of for the longest is forgotten', (t) => {
  const book = new PeerNotebook();
  const news = { boot: 1, told: 0, hasMore: false, notes: [], suspicions: [], sample: null };
  for (let node = 0; node < 1024; node++) book.take(`n${node}`, news, node);
  book.take('n0', news, 2000);
  book.take('another', news, 2001);
  t.is([...book.noted()].length, 1024);
  t.is(book.newsOf('n1').heardAtMs, null);
  t.is(book.newsOf('n0').heardAtMs, 2000);
});
