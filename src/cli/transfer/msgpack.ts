import { countAt, headBytesOf, kindOf, numberAt, skipValue, WireKind } from '../../base/msgpack-wire.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import { ArgsBuilder } from '../../protocol/http/args-builder.ts';
import { DocumentText } from '../../protocol/msgpack-rpc/document-text.ts';
import { type Entry, textOf } from './entry.ts';
import { type EntryFields, entryOf, noFields, plainFields } from './entry-fields.ts';
import { recordBytesMax } from './record-reader.ts';

/** Adds an entry as a MessagePack map. Keys, values and tags are bin, or str where they are UTF-8 and no document. */
export function writeEntry(entry: Entry, writer: ValueWriter): void {
  const { key, value, type, expiresAtMs, staleMs, tags, contentType } = entry;
  const isPlain = type === 'string' || type === 'bytes';
  writer.map(
    2 +
      Number(type !== 'string') +
      Number(expiresAtMs > 0) +
      Number(staleMs > 0) +
      Number(tags.length > 0) +
      Number(contentType !== ''),
  );
  writer.string('key');
  writer.text(key, 0, key.length);
  writer.string('value');
  // The text of a document is a bin, as a str would be a document that is a string.
  if (isPlain) writer.text(value, 0, value.length);
  else writer.bin(value, 0, value.length);
  if (type !== 'string') {
    writer.string('type');
    writer.string(type);
  }
  if (expiresAtMs > 0) {
    writer.string('expiresAt');
    writer.integer(expiresAtMs);
  }
  if (staleMs > 0) {
    writer.string('stale');
    if (staleMs % 1000 === 0) writer.integer(staleMs / 1000);
    else writer.double(staleMs / 1000);
  }
  if (tags.length > 0) {
    writer.string('tags');
    writer.array(tags.length);
    for (const tag of tags) writer.text(tag, 0, tag.length);
  }
  if (contentType !== '') {
    writer.string('contentType');
    writer.string(contentType);
  }
}

const documents = new DocumentText(recordBytesMax);
const builder = new ArgsBuilder();

/** The entry of the whole value at `start`; or what is wrong with it. */
export function readEntry(bytes: Uint8Array, start: number, nowMs: number): Entry | string {
  if (kindOf(bytes[start] as number) !== WireKind.map) return 'it is no map';
  const fields = noFields();
  const count = countAt(bytes, start);
  let at = start + headBytesOf(bytes[start] as number);
  let valueAt = -1;
  for (let index = 0; index < count; index++) {
    const name = nameAt(bytes, at);
    at = skipValue(bytes, at);
    if (name === null) return 'a name in it is no text';
    if (name === 'value') valueAt = at;
    else {
      const problem = takeField(fields, name, bytes, at);
      if (problem !== null) return problem;
    }
    at = skipValue(bytes, at);
  }
  if (valueAt >= 0) {
    const problem = takeValue(fields, bytes, valueAt);
    if (problem !== null) return problem;
  }
  return entryOf(fields, nowMs);
}

function takeField(fields: EntryFields, name: string, bytes: Uint8Array, at: number): string | null {
  if (name === 'key') {
    const key = payloadAt(bytes, at);
    if (key === null) return 'its key is neither str nor bin';
    fields.key = key;
    return null;
  }
  if (name === 'tags') {
    const tags = tagsAt(bytes, at);
    if (tags === null) return 'its tags are no array of str and bin';
    fields.tags = tags;
    return null;
  }
  const field = plainFields.find((each) => each === name);
  if (field === undefined) return `there is no field ${JSON.stringify(name)}`;
  const kind = kindOf(bytes[at] as number);
  if (kind === WireKind.str) fields[field] = nameAt(bytes, at);
  else if (kind === WireKind.number) fields[field] = numberAt(bytes, at);
  // Nil says as much as no field.
  else if (kind !== WireKind.nil) return `its ${field} is neither text nor a number`;
  return null;
}

function takeValue(fields: EntryFields, bytes: Uint8Array, at: number): string | null {
  const kind = kindOf(bytes[at] as number);
  if (kind === WireKind.bin || (kind === WireKind.str && fields.type !== 'json')) {
    fields.value = payloadAt(bytes, at) ?? undefined;
    return null;
  }
  if (kind === WireKind.ext) return 'its value is an ext, which nothing here can hold';
  builder.clear(0);
  const refusal = documents.append(bytes, at, builder);
  if (refusal !== null) return `its value: ${refusal.message}`;
  fields.value = builder.bytes.slice(0, builder.length);
  fields.valueType = kind === WireKind.number ? 'number' : kind === WireKind.str ? 'string' : 'json';
  return null;
}

function nameAt(bytes: Uint8Array, at: number): string | null {
  if (kindOf(bytes[at] as number) !== WireKind.str) return null;
  const payload = payloadAt(bytes, at);
  return payload === null ? null : textOf(payload);
}

function tagsAt(bytes: Uint8Array, start: number): Uint8Array[] | null {
  if (kindOf(bytes[start] as number) !== WireKind.array) return null;
  const tags: Uint8Array[] = [];
  const count = countAt(bytes, start);
  let at = start + headBytesOf(bytes[start] as number);
  for (let index = 0; index < count; index++) {
    const tag = payloadAt(bytes, at);
    if (tag === null) return null;
    tags.push(tag);
    at = skipValue(bytes, at);
  }
  return tags;
}

/** The bytes of a str or bin, copied; null of all else. */
function payloadAt(bytes: Uint8Array, at: number): Uint8Array | null {
  const marker = bytes[at] as number;
  const kind = kindOf(marker);
  if (kind !== WireKind.str && kind !== WireKind.bin) return null;
  const from = at + headBytesOf(marker);
  return bytes.slice(from, from + countAt(bytes, at));
}
