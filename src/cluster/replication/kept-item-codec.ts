import { unreachable } from '../../base/assert.ts';
import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { KeptItem } from './kept-item.ts';

const types = ['record', 'cut', 'commit', 'load', 'whole', 'state'] as const satisfies readonly KeptItem['type'][];
const numbers = { record: 0, cut: 1, commit: 2, load: 3, whole: 4, state: 5 } as const;
const elementCounts = { record: 6, cut: 2, commit: 2, load: 2, whole: 2, state: 8 } as const;

const HASH_MAX = 2 ** 32 - 1;
const COUNT_MAX = 2 ** 32 - 1;

const writer = new ValueWriter();

/** An array: the number of its type (never used again for another), then its fields. A copy of its own. */
export function encodeKeptItem(item: KeptItem): Uint8Array {
  writer.clear();
  writer.array(elementCounts[item.type]);
  writer.integer(numbers[item.type]);
  switch (item.type) {
    case 'record': {
      const { seq, epoch, keys, effect } = item.record;
      writer.integer(seq);
      writer.integer(epoch);
      writer.integer(item.committed);
      writer.array(keys.length);
      for (const key of keys) writer.integer(key);
      writer.bin(effect, 0, effect.length);
      break;
    }
    case 'cut':
      writer.integer(item.after);
      break;
    case 'commit':
      writer.integer(item.committed);
      break;
    case 'load':
      writer.array(item.entries.length);
      for (const entry of item.entries) writer.bin(entry, 0, entry.length);
      break;
    case 'whole':
      writer.integer(item.at);
      break;
    case 'state':
      writer.boolean(item.clears);
      writer.integer(item.since);
      writer.integer(item.generation);
      if (item.filledInEpoch === null) writer.nil();
      else writer.integer(item.filledInEpoch);
      writer.integer(item.at);
      writer.integer(item.atEpoch);
      writer.boolean(item.isFilling);
      break;
    default:
      unreachable(item);
  }
  return writer.copy();
}

/** Throws a `DecodeError` for anything but what {@link encodeKeptItem} makes. Effects and entries are parts of `bytes`. */
export function decodeKeptItem(bytes: Uint8Array, start = 0, end = bytes.length): KeptItem {
  const reader = new ValueReader(bytes, start, end);
  const item = readItem(reader);
  reader.end('item');
  return item;
}

function readItem(reader: ValueReader): KeptItem {
  const count = reader.array('item', 2, 8);
  const type = reader.oneOf('item.type', types);
  if (count !== elementCounts[type]) reader.fail('item', `must have ${elementCounts[type]} elements`);
  switch (type) {
    case 'record': {
      const seq = reader.integer('seq');
      const epoch = reader.integer('epoch');
      const committed = reader.integer('committed');
      const keys: number[] = [];
      for (let left = reader.array('keys', 0, COUNT_MAX); left > 0; left--)
        keys.push(reader.integer('key', 0, HASH_MAX));
      return { type, record: { seq, epoch, keys, effect: reader.bytes('effect') }, committed };
    }
    case 'cut':
      return { type, after: reader.integer('after') };
    case 'commit':
      return { type, committed: reader.integer('committed') };
    case 'load': {
      const entries: Uint8Array[] = [];
      for (let left = reader.array('entries', 0, COUNT_MAX); left > 0; left--) entries.push(reader.bytes('entry'));
      return { type, entries };
    }
    case 'whole':
      return { type, at: reader.integer('at') };
    case 'state':
      return {
        type,
        clears: reader.boolean('clears'),
        since: reader.integer('since'),
        generation: reader.integer('generation'),
        filledInEpoch: reader.nil('filledInEpoch') ? null : reader.integer('filledInEpoch'),
        at: reader.integer('at'),
        atEpoch: reader.integer('atEpoch'),
        isFilling: reader.boolean('isFilling'),
      };
    default:
      return unreachable(type);
  }
}
