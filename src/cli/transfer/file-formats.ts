import { ValueWriter } from '../../base/msgpack-writer.ts';
import type { Entry } from './entry.ts';
import { LineReader } from './line-reader.ts';
import { writeEntry } from './msgpack.ts';
import { encodeLine } from './ndjson.ts';
import type { RecordReader } from './record-reader.ts';
import { ValueStreamReader } from './value-reader.ts';

export type FileFormat = 'ndjson' | 'msgpack';

/** The format that is asked for, or else the one that the name of a file tells. */
export function formatOf(asked: 'auto' | FileFormat, file: string): FileFormat {
  if (asked !== 'auto') return asked;
  return /\.(msgpack|mp)$/i.test(file) ? 'msgpack' : 'ndjson';
}

export function readerOf(format: FileFormat, skip: number): RecordReader {
  return format === 'ndjson' ? new LineReader({ skip }) : new ValueStreamReader({ skip });
}

/** What the place of an entry in a file is called. */
export function placeText(format: FileFormat, place: number): string {
  return `${format === 'ndjson' ? 'line' : 'entry'} ${place}`;
}

const writer = new ValueWriter();

/** Entries as bytes of a file. */
export function encodeEntries(entries: readonly Entry[], format: FileFormat): Uint8Array {
  if (format === 'ndjson') return Buffer.from(entries.map(encodeLine).join(''));
  writer.clear();
  for (const entry of entries) writeEntry(entry, writer);
  return writer.copy();
}
