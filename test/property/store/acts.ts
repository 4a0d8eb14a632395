import fc from 'fast-check';
import type { ValueType } from '../../../src/base/view.ts';
import type { ModelledStore } from './model.ts';

/** Something that can be done to a store; its text says what. */
export type Act = (store: ModelledStore) => void;

const key = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => `key:${n}`) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }).map((n) => `${'long'.repeat(900)}${n}`) },
);
const valueBytes = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 150 }) },
  { weight: 3, arbitrary: fc.nat({ max: 3000 }) },
  { weight: 1, arbitrary: fc.nat({ max: 200_000 }) },
);
const ttlMs = fc.oneof(
  fc.nat({ max: 3000 }),
  fc.integer({ min: 1, max: 40 * 86_400_000 }),
  fc.integer({ min: 2 ** 31, max: 2 ** 43 }),
);
const type = fc.constantFrom<ValueType>(0, 1, 2, 3);
const contentType = fc.constantFrom('', '', '', 'text/plain', 'x'.repeat(255));

const tag = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 5 }).map((n) => `tag:${n}`) },
  { weight: 1, arbitrary: fc.constantFrom('t', '\0\xff', 'x'.repeat(127)) },
);
const tags = fc.oneof(fc.constant([]), fc.constant([]), fc.uniqueArray(tag, { maxLength: 5 }));
const staleMs = fc.oneof(fc.constant(0), fc.constant(0), fc.nat({ max: 4000 }), fc.nat({ max: 2 ** 40 }));
const attributes = fc.record({ tags, staleMs });

const put: fc.Arbitrary<Act> = fc
  .record({ key, valueBytes, ttlMs: fc.option(ttlMs, { nil: undefined }), type, contentType, attributes })
  .map(({ key, valueBytes, ttlMs, type, contentType, attributes }) => {
    const options = { type, contentType, ...attributes, ...(ttlMs === undefined ? {} : { ttlMs }) };
    return named(`put ${key.slice(0, 12)} ${valueBytes} ${JSON.stringify(options)}`, (s) =>
      s.put(key, valueBytes, options),
    );
  });
const putMany: fc.Arbitrary<Act> = fc
  .record({
    first: fc.nat({ max: 3000 }),
    count: fc.integer({ min: 1, max: 3000 }),
    valueBytes: fc.nat({ max: 400 }),
    attributes,
  })
  .map(({ first, count, valueBytes, attributes }) =>
    named(`put many:${first}… ${count} of ${valueBytes} with ${JSON.stringify(attributes)}`, (s) => {
      for (let i = 0; i < count; i++) {
        const n = first + i;
        if (n % 3 === 0) s.put(`many:${n}`, (valueBytes * (n % 7)) >> 2, { ttlMs: 500 + (n % 1000), ...attributes });
        else if (n % 3 === 1) s.put(`many:${n}`, (valueBytes * (n % 7)) >> 2, attributes);
        else s.put(`many:${n}`, (valueBytes * (n % 7)) >> 2);
      }
    }),
  );
const removeMany: fc.Arbitrary<Act> = fc
  .record({
    first: fc.nat({ max: 3000 }),
    count: fc.integer({ min: 1, max: 3000 }),
    step: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ first, count, step }) =>
    named(`remove many:${first}… ${count} by ${step}`, (s) => {
      for (let i = 0; i < count; i += step) s.remove(`many:${first + i}`);
    }),
  );
const group: fc.Arbitrary<Act> = fc
  .array(fc.record({ key, valueBytes: fc.nat({ max: 3000 }), removes: fc.boolean() }), { minLength: 1, maxLength: 12 })
  .map((writes) =>
    named(`group of ${writes.length}`, (s) => {
      const bytes = writes.reduce((sum, write) => sum + write.valueBytes + Buffer.byteLength(write.key), 0);
      if (!s.writer.beginGroup(writes.length, bytes)) return;
      if (s.reader.enter()) throw new Error('a reader let in while a group is published');
      for (const write of writes) {
        if (write.removes) s.remove(write.key);
        else if (s.put(write.key, write.valueBytes) > 1) throw new Error('no room in a group that was promised it');
      }
      s.writer.endGroup();
    }),
  );
const abandonedGroup: fc.Arbitrary<Act> = fc
  .array(
    fc.record({
      key,
      valueBytes,
      ttlMs: fc.option(ttlMs, { nil: undefined }),
      does: fc.constantFrom('put', 'put', 'put', 'remove', 'expire'),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((writes) =>
    named(`abandoned group of ${writes.map(({ does, key }) => `${does} ${key.slice(0, 12)}`)}`, (s) => {
      const bytes = writes.reduce((sum, write) => sum + write.valueBytes + Buffer.byteLength(write.key), 0);
      if (!s.writer.beginGroup(writes.length, bytes)) return;
      s.thenForget(() => {
        for (const { does, key, valueBytes, ttlMs } of writes) {
          if (does === 'remove') s.remove(key);
          else if (does === 'expire') s.setExpiry(key, ttlMs ?? null);
          else s.put(key, valueBytes, ttlMs === undefined ? {} : { ttlMs });
        }
      });
      s.writer.abandonGroup();
      s.check();
    }),
  );
const invalidate: fc.Arbitrary<Act> = fc
  .record({ tags: fc.uniqueArray(tag, { minLength: 1, maxLength: 3 }), isSoft: fc.boolean() })
  .map(({ tags, isSoft }) => named(`invalidate ${tags} ${isSoft}`, (s) => s.invalidate(tags, isSoft)));
const anyKey = fc.oneof(
  key,
  fc.nat({ max: 3000 }).map((n) => `many:${n}`),
);
const askToFill: fc.Arbitrary<Act> = fc
  .record({ keys: fc.array(anyKey, { minLength: 1, maxLength: 20 }), forMs: fc.integer({ min: 1, max: 60_000 }) })
  .map(({ keys, forMs }) =>
    named(`ask to fill ${keys.map((key) => key.slice(0, 12))} for ${forMs}`, (s) => {
      for (const key of keys) s.askToFill(key, forMs);
    }),
  );
const fill: fc.Arbitrary<Act> = fc
  .record({ recent: fc.nat({ max: 30 }), valueBytes, ttlMs, attributes, forged: fc.boolean() })
  .map(({ recent, valueBytes, ttlMs, attributes, forged }) =>
    named(`fill by token ${recent}`, (s) => {
      const given = s.tokens[s.tokens.length - 1 - recent];
      if (given === undefined) return;
      if (forged) s.fill(given.key, given.token === 1 ? 2 : given.token - 1, valueBytes, { ttlMs, ...attributes });
      s.fill(given.key, given.token, valueBytes, { ttlMs, ...attributes });
    }),
  );
const cancelFill: fc.Arbitrary<Act> = fc.nat({ max: 30 }).map((recent) =>
  named(`cancel token ${recent}`, (s) => {
    const given = s.tokens[s.tokens.length - 1 - recent];
    if (given !== undefined) s.cancelFill(given.key);
  }),
);
const write = fc.record({
  key: fc.oneof(
    key,
    fc.nat({ max: 3000 }).map((n) => `many:${n}`),
  ),
  valueBytes: fc.oneof({ weight: 4, arbitrary: valueBytes }, { weight: 1, arbitrary: fc.nat({ max: 60_000 }) }),
  ttlMs: fc.option(ttlMs, { nil: undefined }),
  attributes,
  does: fc.constantFrom('put', 'put', 'put', 'put', 'remove', 'remove', 'expire', 'expire', 'invalidate', 'ask'),
});
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

function doWrites(store: ModelledStore, writes: readonly Write[]): void {
  for (const { does, key, valueBytes, ttlMs, attributes } of writes) {
    if (does === 'remove') store.remove(key);
    else if (does === 'expire') store.setExpiry(key, ttlMs ?? null);
    else if (does === 'ask') store.askToFill(key, 5000);
    else if (does === 'invalidate' && attributes.tags.length > 0)
      store.invalidate(attributes.tags, valueBytes % 2 === 0);
    else store.put(key, valueBytes, ttlMs === undefined ? attributes : { ttlMs, ...attributes });
  }
}

/** Groups within a group that was promised no room, and so makes it; ended, taken back, or left by a writer that died. */
const transaction: fc.Arbitrary<Act> = fc
  .record({
    parts: fc.array(
      fc.record({
        writes: fc.array(write, { maxLength: 60 }),
        as: fc.constantFrom('writes', 'group', 'abandoned', 'cleared'),
        deep: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    end: fc.constantFrom('end', 'abandon', 'die', 'stand'),
  })
  .map(({ parts, end }) =>
    named(`transaction of ${parts.map(({ as, writes }) => `${as} ${writes.length}`)}, then ${end}`, (s) => {
      if (!s.writer.beginGroup(0, 0)) return;
      const takenBack = end === 'abandon' || end === 'die';
      const run = (): void => {
        for (const { writes, as, deep } of parts) {
          // What was cleared cannot be taken back.
          if (as === 'cleared' && !takenBack && writes.length > 50) s.clear();
          if (as === 'writes' || as === 'cleared') doWrites(s, writes);
          else {
            if (!s.writer.beginGroup(1, 1)) throw new Error('a group within a group refused');
            if (deep && !s.writer.beginGroup(0, 0)) throw new Error('a group within a group refused');
            if (as === 'group') doWrites(s, writes);
            else s.thenForget(() => doWrites(s, writes));
            if (deep) s.writer.endGroup();
            if (as === 'group') s.writer.endGroup();
            else s.writer.abandonGroup();
          }
          if (s.reader.enter()) throw new Error('a reader let in while a group is published');
        }
      };
      if (takenBack) s.thenForget(run);
      else run();
      if (end === 'end') s.writer.endGroup();
      else if (end === 'abandon') s.writer.abandonGroup();
      else s.reattach(end === 'stand');
      s.check();
    }),
  );
export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: transaction },
  { weight: 12, arbitrary: put },
  { weight: 6, arbitrary: putMany },
  { weight: 3, arbitrary: removeMany },
  { weight: 4, arbitrary: key.map((key) => named(`remove ${key.slice(0, 12)}`, (s) => s.remove(key))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(key, fc.option(ttlMs))
      .map(([key, ttl]) => named(`expire ${key.slice(0, 12)} ${ttl}`, (s) => s.setExpiry(key, ttl))),
  },
  { weight: 4, arbitrary: invalidate },
  { weight: 5, arbitrary: askToFill },
  { weight: 5, arbitrary: fill },
  { weight: 2, arbitrary: cancelFill },
  { weight: 3, arbitrary: group },
  { weight: 3, arbitrary: abandonedGroup },
  {
    weight: 4,
    arbitrary: fc.oneof(fc.nat({ max: 1500 }), fc.nat({ max: 50 * 86_400_000 })).map((ms) =>
      named(`wait ${ms}`, (s) => {
        s.clock.at += ms;
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.nat({ max: 2000 }).map((limit) => named(`expire due ${limit}`, (s) => s.expireDue(limit))),
  },
  { weight: 3, arbitrary: fc.constant(named('maintain', (s) => s.writer.maintain())) },
  { weight: 2, arbitrary: fc.constant(named('reattach', (s) => s.reattach())) },
  { weight: 1, arbitrary: fc.constant(named('clear', (s) => s.clear())) },
  { weight: 2, arbitrary: fc.constant(named('check', (s) => s.check())) },
);

function named(name: string, act: (store: ModelledStore) => unknown): Act {
  return Object.assign((store: ModelledStore) => void act(store), { toString: () => name });
}
