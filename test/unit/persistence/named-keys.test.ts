import test from 'ava';
import fc from 'fast-check';
import { NamedKeys } from '../../../src/persistence/named-keys.ts';
import { PARTITIONS, partitionOf, recordOf } from '../../kept-shard.ts';

function has(named: NamedKeys, key: string): boolean {
  const bytes = Buffer.from(`<${key}>`);
  return named.has(partitionOf(key), bytes, 1, bytes.length - 1);
}

test('it has the keys that records put or remove, all keys of partitions that they empty, and no others', (t) => {
  const keys = Array.from({ length: 300 }, (_, at) => 'k'.repeat(at % 7) + at);
  const deed = fc.record({ kind: fc.constantFrom('put', 'remove', 'expire', 'clear'), at: fc.nat(keys.length - 1) });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), (deeds) => {
      const named = new NamedKeys(PARTITIONS);
      const expected = new Set<string>();
      for (const [index, { kind, at }] of deeds.entries()) {
        const key = keys[at] as string;
        const record =
          kind === 'put'
            ? recordOf({ do: 'put', key, value: 'v' }, index + 1)
            : kind === 'expire'
              ? recordOf({ do: 'expire', key, expiresAtMs: 5 }, index + 1)
              : recordOf({ do: kind === 'clear' ? 'clear' : 'remove', key }, index + 1);
        if (!named.note(partitionOf(key), record, 0, record.length)) return false;
        if (kind === 'clear')
          for (const other of keys) if (partitionOf(other) === partitionOf(key)) expected.add(other);
        if (kind === 'put' || kind === 'remove') expected.add(key);
      }
      return keys.every((key) => has(named, key) === expected.has(key));
    }),
  );
  t.pass();
});

test('it grows with the keys', (t) => {
  const named = new NamedKeys(PARTITIONS);
  const key = (at: number): string => `${at}:${'long'.repeat(at % 50)}`;
  for (let at = 0; at < 20_000; at += 2) {
    const record = recordOf({ do: 'remove', key: key(at) }, 1);
    if (!named.note(partitionOf(key(at)), record, 0, record.length)) t.fail(key(at));
  }
  for (let at = 0; at < 20_000; at++) if (has(named, key(at)) !== (at % 2 === 0)) t.fail(key(at));
  t.pass();
});

test('what is no record is told', (t) => {
  t.false(new NamedKeys(PARTITIONS).note(0, Uint8Array.of(0, 2, 200), 0, 3));
});
