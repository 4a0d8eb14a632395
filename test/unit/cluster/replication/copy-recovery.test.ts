import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { CopyRecovery, keptItemsOf, type RecoveredCopy } from '../../../../src/cluster/replication/copy-recovery.ts';
import type { KeptItem, KeptState } from '../../../../src/cluster/replication/kept-item.ts';

const PARTITION = 3;
const RETAINED_BYTES_MAX = 1000;

function state(fields: Partial<KeptState> = {}): KeptItem {
  const usual = { clears: true, since: 1, generation: 1, filledInEpoch: 1, at: 0, atEpoch: 0, isFilling: false };
  return { type: 'state', ...usual, ...fields };
}

function record(seq: number, committed: number, epoch = 1): KeptItem {
  return { type: 'record', record: { seq, epoch, keys: [seq], effect: new Uint8Array(10) }, committed };
}

/** What a store was told: `+4` a record, `load`, `clear`. */
class Recovering {
  readonly told: string[] = [];
  readonly recovery = new CopyRecovery(
    PARTITION,
    {
      apply: (_, records) => this.told.push(...records.map(({ seq }) => `+${seq}`)),
      load: (_, entries) => this.told.push(`load ${entries.length}`),
      clear: () => this.told.push('clear'),
    },
    RETAINED_BYTES_MAX,
  );

  take(t: ExecutionContext, ...items: readonly KeptItem[]): void {
    for (const item of items) t.true(this.recovery.take(item), JSON.stringify(item));
  }

  /** The copy, of which something is left. */
  finish(t: ExecutionContext): { last: number; committed: number; copy: RecoveredCopy } {
    const copy = this.recovery.finish();
    const recovered = copy?.start.recovered;
    if (copy === null || recovered === undefined) return t.fail('nothing was recovered') as never;
    return { last: recovered.log.last, committed: recovered.committed, copy };
  }
}

test('where nothing was written there was no copy', (t) => {
  const recovering = new Recovering();
  t.is(recovering.recovery.finish(), null);
  t.deepEqual(recovering.told, []);
});

test('records go into the store when they are known to be committed; the others stay in the log', (t) => {
  const recovering = new Recovering();
  recovering.take(t, state(), record(1, 0), record(2, 1), record(3, 1), { type: 'commit', committed: 2 }, record(4, 2));
  const { last, committed, copy } = recovering.finish(t);
  t.deepEqual(recovering.told, ['clear', '+1', '+2']);
  t.deepEqual({ last, committed }, { last: 4, committed: 2 });
  t.like(copy.claim, { partition: PARTITION, since: 1, generation: 1, filledInEpoch: 1, wholeSince: 1 });
});

test('records that were given up are not in the log, and others may come in their place', (t) => {
  const recovering = new Recovering();
  recovering.take(t, state(), record(1, 1), record(2, 1), { type: 'cut', after: 1 }, record(2, 1, 5));
  const { last, copy } = recovering.finish(t);
  t.is(last, 2);
  t.is(copy.start.recovered?.log.epochAt(2), 5);
  t.deepEqual(recovering.told, ['clear', '+1']);
});

test('what does not follow is refused: a gap, an earlier epoch, another record in its place, a cut of what is committed', (t) => {
  const refused = {
    'a gap': [record(3, 0)],
    'an earlier epoch': [record(2, 0, 2), record(3, 0, 1)],
    'another in its place': [record(2, 0, 2), record(2, 0, 3)],
    'a cut of what is committed': [record(2, 2), { type: 'cut', after: 1 }],
    'a cut beyond the end': [{ type: 'cut', after: 2 }],
  } satisfies Record<string, KeptItem[]>;
  for (const [title, items] of Object.entries(refused)) {
    const recovering = new Recovering();
    recovering.take(t, state(), record(1, 1), ...items.slice(0, -1));
    t.false(recovering.recovery.take(items.at(-1) as KeptItem), title);
  }
});

test('a filling that came to its end counts from when what it may show is committed', (t) => {
  const recovering = new Recovering();
  const entries = [new Uint8Array(3), new Uint8Array(4)];
  recovering.take(t, state({ isFilling: true, at: 10, atEpoch: 2 }), { type: 'load', entries }, record(11, 0, 2));
  recovering.take(t, { type: 'whole', at: 11 }, { type: 'commit', committed: 11 });
  const { last, committed } = recovering.finish(t);
  t.deepEqual({ last, committed }, { last: 11, committed: 11 });
  t.deepEqual(recovering.told, ['clear', 'load 2', '+11']);
});

test('a filling that was interrupted, or that may show what was never committed, is emptied and claims nothing', (t) => {
  for (const end of [[], [{ type: 'whole', at: 11 } as const]]) {
    const recovering = new Recovering();
    const beginning = state({ isFilling: true, at: 10, atEpoch: 2, generation: 7 });
    recovering.take(t, beginning, { type: 'load', entries: [] }, record(11, 0, 2), ...end);
    t.deepEqual(recovering.recovery.finish(), { start: { generation: 8, kept: null }, claim: null });
    t.is(recovering.told.at(-1), 'clear');
  }
});

test('items before the first state are in the snapshot already', (t) => {
  const recovering = new Recovering();
  recovering.take(t, record(4, 3), { type: 'cut', after: 2 }, { type: 'commit', committed: 9 });
  recovering.take(t, state({ clears: false, at: 5, atEpoch: 1 }), record(6, 5), { type: 'commit', committed: 6 });
  const { last, committed } = recovering.finish(t);
  t.deepEqual({ last, committed }, { last: 6, committed: 6 });
  t.deepEqual(recovering.told, ['+6']);
});

test('a state that tells again what is known forgets no record, and one of a new filling forgets all', (t) => {
  const recovering = new Recovering();
  recovering.take(t, state(), record(1, 1), record(2, 1));
  recovering.take(t, state({ clears: false, at: 1, atEpoch: 1 }), record(2, 1));
  t.is(recovering.finish(t).last, 2);
  recovering.take(t, state({ generation: 2 }));
  const { last, committed, copy } = recovering.finish(t);
  t.deepEqual({ last, committed }, { last: 0, committed: 0 });
  t.is(copy.start.generation, 2);
  t.deepEqual(recovering.told, ['clear', '+1', 'clear']);
});

test('of committed records as many bytes are kept as others may ask for', (t) => {
  const recovering = new Recovering();
  recovering.take(t, state());
  for (let seq = 1; seq <= 500; seq++) recovering.take(t, record(seq, seq - 1));
  const log = recovering.finish(t).copy.start.recovered?.log;
  t.true((log?.bytes ?? 0) < 2 * RETAINED_BYTES_MAX && (log?.trimmed ?? 0) > 400, `${log?.bytes}`);
});

test('what a copy that was read back writes down makes the same copy again', (t) => {
  const first = new Recovering();
  first.take(t, state({ since: 4 }), record(1, 1), record(2, 1), record(3, 2, 6));
  const before = first.finish(t);
  const second = new Recovering();
  second.take(t, ...keptItemsOf(before.copy));
  const after = second.finish(t);
  t.deepEqual([after.last, after.committed], [before.last, before.committed]);
  t.deepEqual(after.copy.claim, before.copy.claim);
  t.is(after.copy.start.recovered?.log.epochAt(3), 6);
  t.deepEqual(second.told, [], 'the store has them');
});

const small = fc.nat(6);
const anyItem: fc.Arbitrary<KeptItem> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(small, small, fc.nat(3)).map(([seq, upTo, epoch]) => record(seq, upTo, epoch)) },
  fc.record({ type: fc.constant('cut' as const), after: small }),
  fc.record({ type: fc.constant('commit' as const), committed: small }),
  fc.constant<KeptItem>({ type: 'load', entries: [] }),
  fc.record({ type: fc.constant('whole' as const), at: small }),
  fc
    .record({
      clears: fc.boolean(),
      since: fc.nat(1),
      generation: fc.nat(1),
      filledInEpoch: fc.option(fc.nat(3)),
      at: small,
      atEpoch: fc.nat(3),
      isFilling: fc.boolean(),
    })
    .map((fields) => ({ type: 'state' as const, ...fields })),
);

test('whatever items come in whatever order, each is taken or refused; who claims has all up to what it calls committed', (t) => {
  fc.assert(
    fc.property(fc.array(anyItem, { maxLength: 40 }), (items) => {
      const recovering = new Recovering();
      if (!items.every((item) => recovering.recovery.take(item))) return;
      const copy = recovering.recovery.finish();
      const recovered = copy?.start.recovered;
      t.is(recovered === undefined, (copy?.claim ?? null) === null);
      if (recovered === undefined) return;
      t.true(recovered.committed <= recovered.log.last && recovered.committed >= recovered.log.trimmed);
    }),
    { numRuns: 3000 },
  );
  t.pass();
});
