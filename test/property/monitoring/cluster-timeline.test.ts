import test from 'ava';
import fc from 'fast-check';
import { assembleFailovers } from '../../../src/monitoring/cluster-timeline/assemble-failovers.ts';
import { happenings } from '../../../src/monitoring/cluster-timeline/happenings.ts';
import {
  decodeNews,
  decodeQuestion,
  encodeNews,
  encodeQuestion,
  type NodeNews,
} from '../../../src/monitoring/cluster-timeline/node-news.ts';
import type { NotedBy } from '../../../src/monitoring/cluster-timeline/noted-by.ts';
import { PeerNotebook } from '../../../src/monitoring/cluster-timeline/peer-notebook.ts';
import type { PeerSample } from '../../../src/monitoring/dashboard/feed.ts';
import type { ClusterNote, ClusterNoteBody } from '../../../src/server/cluster/cluster-note.ts';

const name = fc.constantFrom('n1', 'n2', 'n3', '__proto__', 'constructor', 'x'.repeat(64));
const count = fc.nat(20);
const time = fc.nat(100_000);
const plain = { noNullPrototype: true } as const;

const body: fc.Arbitrary<ClusterNoteBody> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('lost' as const),
      node: name,
      boot: fc.nat(2),
      marks: fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 3 }),
      suspectedAtMs: fc.option(time),
      partitions: count,
      offline: count,
      reset: count,
      unproven: fc.nat(2),
      takenBy: fc.uniqueArray(fc.tuple(name, count), { maxLength: 3, selector: ([node]) => node }),
    },
    plain,
  ),
  fc.record({ kind: fc.constant('took' as const), lost: count, partitions: count, firstAtMs: time }, plain),
  fc.record({ kind: fc.constant('served' as const), lost: count, partitions: count }, plain),
  fc.record({ kind: fc.constant('first-write' as const), lost: count }, plain),
  fc.record({ kind: fc.constant('regained' as const), lost: count, partitions: count, empty: count }, plain),
  fc.record(
    { kind: fc.constantFrom('joined' as const, 'left' as const, 'restarted' as const), node: name, boot: fc.nat(2) },
    plain,
  ),
  fc.record({ kind: fc.constant('back' as const), node: name, boot: fc.nat(2) }, plain),
  fc.record(
    {
      kind: fc.constant('drained' as const),
      node: name,
      boot: fc.nat(2),
      isDraining: fc.boolean(),
      isLeaving: fc.boolean(),
    },
    plain,
  ),
  fc.record({ kind: fc.constant('leader' as const), node: name, term: fc.nat(3) }, plain),
  fc.record({ kind: fc.constant('handed-over' as const), node: name, partitions: count }, plain),
  fc.record(
    { kind: fc.constantFrom('offline' as const, 'reset' as const), node: fc.option(name), partitions: count },
    plain,
  ),
  fc.record({ kind: fc.constant('online' as const), partitions: count }, plain),
  fc.record(
    {
      kind: fc.constant('settings' as const),
      copies: count,
      minInSync: count,
      onLoss: fc.constantFrom('offline' as const, 'reset' as const),
    },
    plain,
  ),
  fc.record({ kind: fc.constant('shard-restarted' as const), shard: count, partitions: count }, plain),
);

const notes: fc.Arbitrary<ClusterNote[]> = fc
  .array(fc.tuple(body, time), { maxLength: 20 })
  .map((list) => list.map(([of, atMs], index) => ({ ...of, seq: index + 1, atMs })));

const suspicion = fc.record({ node: name, boot: fc.nat(2), sinceMs: time }, plain);

const amount = fc.oneof(fc.nat(1000), fc.double({ min: 0, max: 1e9, noNaN: true })).map((value) => value + 0);
const sample: fc.Arbitrary<PeerSample> = fc.record(
  {
    commands: amount,
    hits: amount,
    misses: amount,
    p99Ms: fc.option(amount),
    keys: amount,
    usedBytes: amount,
    budgetBytes: amount,
    connections: amount,
    eventLoopMaxMs: amount,
    processors: amount,
    ready: fc.boolean(),
  },
  plain,
);

const news: fc.Arbitrary<NodeNews> = fc.record(
  {
    boot: fc.nat(3),
    told: fc.nat(100),
    hasMore: fc.boolean(),
    notes,
    suspicions: fc.array(suspicion, { maxLength: 3 }),
    sample: fc.option(sample),
  },
  plain,
);

/** Of different starts of nodes, as a notebook has them. */
const noted: fc.Arbitrary<NotedBy[]> = fc.uniqueArray(
  fc.record(
    {
      node: fc.constantFrom('n1', 'n2', 'n3', 'n4'),
      boot: fc.nat(2),
      notes,
      suspicions: fc.array(suspicion, { maxLength: 2 }),
    },
    plain,
  ),
  { maxLength: 4, selector: ({ node, boot }) => `${node} ${boot}` },
);

test('whatever was noted, by whatever clocks: what follows from something never comes before it', (t) => {
  fc.assert(
    fc.property(noted, (all) => {
      const failovers = assembleFailovers(all);
      for (const failover of failovers) {
        const { suspectedAtMs, fencedAtMs, promotedAtMs, promotedLastAtMs, firstWriteAtMs, endedAtMs } = failover;
        for (const order of [
          [suspectedAtMs, fencedAtMs, promotedAtMs, promotedLastAtMs, endedAtMs],
          [fencedAtMs, promotedAtMs, firstWriteAtMs],
        ]) {
          const known = order.filter((ms) => ms !== null);
          t.deepEqual(
            known,
            [...known].sort((left, right) => left - right),
            JSON.stringify(failover),
          );
        }
        t.true(failover.keysLost === 0 || failover.keysLost === null);
        if (failover.fencedAtMs === null) t.is(failover.keysLost, null);
      }
      const firsts = failovers.map(({ fencedAtMs, suspectedAtMs }) => fencedAtMs ?? suspectedAtMs ?? 0);
      t.deepEqual(
        firsts,
        [...firsts].sort((left, right) => right - left),
      );
    }),
    { numRuns: 400 },
  );
});

test('each loss that a node noted is in one failover, and no node has two in one', (t) => {
  fc.assert(
    fc.property(noted, (all) => {
      const fenced = assembleFailovers(all.map((by) => ({ ...by, suspicions: [] })));
      const losses = all.flatMap(({ notes: own }) => own.filter(({ kind }) => kind === 'lost'));
      t.true(fenced.length <= losses.length);
      for (const { notes: own } of all) {
        t.true(own.filter(({ kind }) => kind === 'lost').length <= fenced.length);
      }
      t.is(fenced.length === 0, losses.length === 0);
    }),
    { numRuns: 200 },
  );
});

test('a node that tells nothing new changes nothing, and what is told does not depend on who is asked first', (t) => {
  const distinct = noted.map((all) => {
    // By one clock, and no two notes at once: then there is one order of them.
    const clock = { ms: 0 };
    const tick = (note: ClusterNote): ClusterNote => {
      clock.ms += 50_000;
      return { ...note, atMs: clock.ms };
    };
    return all.map((by) => ({ ...by, notes: by.notes.map(tick) }));
  });
  fc.assert(
    fc.property(distinct, (all) => {
      t.deepEqual(happenings([...all].reverse()), happenings(all));
      t.deepEqual(assembleFailovers([...all].reverse()), assembleFailovers(all));
      const silent = { node: 'n9', boot: 0, notes: [], suspicions: [] };
      t.deepEqual(assembleFailovers([...all, silent]), assembleFailovers(all));
    }),
    { numRuns: 200 },
  );
});

test('what happened is told latest first, and none of it twice by one node', (t) => {
  fc.assert(
    fc.property(noted, (all) => {
      const told = happenings(all);
      const times = told.map(({ atMs }) => atMs);
      t.deepEqual(
        times,
        [...times].sort((left, right) => right - left),
      );
      const silentKinds = new Set(['lost', 'took', 'served', 'first-write', 'regained']);
      for (const { notes: own } of all) {
        t.true(told.length >= own.filter(({ kind }) => !silentKinds.has(kind)).length);
      }
    }),
    { numRuns: 200 },
  );
});

test('news come out as they went in', (t) => {
  fc.assert(
    fc.property(news, (told) => {
      t.deepEqual(decodeNews(encodeNews(told)), JSON.parse(JSON.stringify(told)));
    }),
    { numRuns: 300 },
  );
  t.deepEqual(decodeQuestion(encodeQuestion({ boot: 3, after: 9 })), { boot: 3, after: 9 });
});

test('of anything else that a node says only what can be is believed', (t) => {
  const fields = fc.record(
    {
      boot: fc.oneof(fc.nat(3), fc.jsonValue()),
      told: fc.oneof(fc.nat(3), fc.jsonValue()),
      hasMore: fc.oneof(fc.boolean(), fc.jsonValue()),
      notes: fc.oneof(fc.array(fc.oneof(damaged(), fc.jsonValue()), { maxLength: 5 }), fc.jsonValue()),
      suspicions: fc.oneof(fc.array(fc.jsonValue(), { maxLength: 3 }), fc.jsonValue()),
      sample: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fields, fc.jsonValue()), fc.nat(), (value, cut) => {
      const text = JSON.stringify(value);
      for (const bytes of [text, text.slice(0, cut % (text.length + 1))]) {
        const told = decodeNews(Buffer.from(bytes));
        if (told === null) continue;
        const all = [{ node: 'n2', boot: told.boot, notes: told.notes, suspicions: told.suspicions }];
        assembleFailovers(all);
        for (const { text: line, atMs } of happenings(all)) t.true(line.length < 300 && Number.isSafeInteger(atMs));
      }
    }),
    { numRuns: 1000 },
  );
  t.is(decodeNews(new Uint8Array(9 << 20)), null, 'too long to be looked at');
});

/** A note with one of its fields put to something else. */
function damaged(): fc.Arbitrary<object> {
  return fc.tuple(body, fc.nat(10), fc.jsonValue()).map(([of, place, value]) => {
    const keys = Object.keys(of);
    return { ...of, seq: 1, atMs: 1, [keys[place % keys.length] ?? 'seq']: value };
  });
}

test('however a notebook is told them, it has the last notes of each node once, and asks for what comes next', (t) => {
  const rounds = fc.array(fc.record({ node: fc.constantFrom('n1', 'n2'), isNew: fc.boolean(), count: fc.nat(64) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(rounds, (steps) => {
      const book = new PeerNotebook();
      const starts = new Map<string, { boot: number; last: number }>();
      for (const { node, isNew, count: more } of steps) {
        const former = starts.get(node) ?? { boot: 0, last: 0 };
        const start = isNew ? { boot: former.boot + 1, last: 0 } : former;
        starts.set(node, start);
        const question = book.questionFor(node);
        const from = question.boot === start.boot ? question.after : 0;
        t.true(from <= start.last || question.boot !== start.boot);
        start.last = Math.max(start.last, from) + more;
        const own = Array.from({ length: start.last - from }, (_, index): ClusterNote => {
          return { kind: 'online', partitions: 1, seq: from + index + 1, atMs: 0 };
        }).slice(0, 64);
        const told = own.at(-1)?.seq ?? start.last;
        book.take(node, { boot: start.boot, told, hasMore: false, notes: own, suspicions: [], sample: null }, 1);
        const again = book.questionFor(node);
        t.deepEqual(again, { boot: start.boot, after: told });
      }
      const kept = new Map<string, number>();
      for (const { node, notes: own } of book.noted()) {
        kept.set(node, (kept.get(node) ?? 0) + own.length);
        const seqs = own.map(({ seq }) => seq);
        t.is(new Set(seqs).size, seqs.length);
      }
      for (const total of kept.values()) t.true(total <= 512);
    }),
    { numRuns: 100 },
  );
});
