import { type Entry, type EntryType, textOf } from './entry.ts';
import { entryOf, noFields, plainFields } from './entry-fields.ts';
import { memberSlice } from './json-slices.ts';

/**
 * An entry as a line of JSON, its end included. What is UTF-8 is text; what is not stands as base64 in `keyBase64`,
 * `valueBase64`, `tagsBase64`. A document is a part of the line, as it is written.
 */
export function encodeLine({ key, value, type, expiresAtMs, staleMs, tags, contentType }: Entry): string {
  const parts = [named('key', key), valuePart(value, type)];
  if (type !== 'string') parts.push(`"type":"${type}"`);
  if (expiresAtMs > 0) parts.push(`"expiresAt":${expiresAtMs}`);
  if (staleMs > 0) parts.push(`"stale":${staleMs / 1000}`);
  if (tags.length > 0) parts.push(tagsPart(tags));
  if (contentType !== '') parts.push(`"contentType":${JSON.stringify(contentType)}`);
  return `{${parts.join(',')}}\n`;
}

function named(name: string, bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text === null ? `"${name}Base64":"${base64(bytes)}"` : `"${name}":${JSON.stringify(text)}`;
}

function valuePart(value: Uint8Array, type: EntryType): string {
  if (type === 'string' || type === 'bytes') return named('value', value);
  const text = textOf(value);
  // A line end within a document, which only its white space can hold, would end the line.
  return text === null || /[\r\n]/.test(text) ? `"valueBase64":"${base64(value)}"` : `"value":${text}`;
}

function tagsPart(tags: readonly Uint8Array[]): string {
  const texts: string[] = [];
  const others: string[] = [];
  for (const tag of tags) {
    const text = textOf(tag);
    if (text === null) others.push(base64(tag));
    else texts.push(text);
  }
  const parts = texts.length > 0 ? [`"tags":${JSON.stringify(texts)}`] : [];
  if (others.length > 0) parts.push(`"tagsBase64":${JSON.stringify(others)}`);
  return parts.join(',');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

const encoder = new TextEncoder();
const known = new Set<string>([...plainFields, 'key', 'keyBase64', 'value', 'valueBase64', 'tags', 'tagsBase64']);

/** The entry of a line; or what is wrong with it. */
export function decodeLine(text: string, nowMs: number): Entry | string {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return 'it is no JSON object';
  const members = record as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(members)) if (!known.has(name)) return `there is no field ${JSON.stringify(name)}`;
  const fields = noFields();
  for (const name of plainFields) fields[name] = members[name];
  const key = bytesOfMember(members, 'key');
  if (typeof key === 'string') return key;
  fields.key = key;
  if (members['value'] === undefined || typeof members['value'] === 'string') {
    const value = bytesOfMember(members, 'value');
    if (typeof value === 'string') return value;
    fields.value = value;
  } else {
    if (members['valueBase64'] !== undefined) return 'value and valueBase64 contradict each other';
    fields.valueType = typeof members['value'] === 'number' ? 'number' : 'json';
  }
  const isDocument = fields.valueType !== 'string' || fields.type === 'json';
  if (isDocument && members['value'] !== undefined) {
    // As it is written: what JSON.parse makes of it has lost digits, and the order of some members.
    const slice = memberSlice(text, 'value');
    if (slice === null) return 'it has no value';
    fields.value = encoder.encode(text.slice(slice.start, slice.end));
  }
  const tags = tagsOf(members);
  if (typeof tags === 'string') return tags;
  fields.tags = tags;
  return entryOf(fields, nowMs);
}

type Members = Readonly<Record<string, unknown>>;

/** The bytes of a member that is a text, or base64 under its other name; or what is wrong with it. */
function bytesOfMember(members: Members, name: 'key' | 'value'): Uint8Array | undefined | string {
  const text = members[name];
  const coded = members[`${name}Base64`];
  if (text !== undefined && coded !== undefined) return `${name} and ${name}Base64 contradict each other`;
  if (coded !== undefined) return decodeBase64(coded) ?? `its ${name}Base64 is no base64`;
  if (text === undefined) return undefined;
  return typeof text === 'string' ? encoder.encode(text) : `its ${name} is no text`;
}

function tagsOf(members: Members): readonly Uint8Array[] | string {
  const { tags = [], tagsBase64 = [] } = members;
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) return 'its tags are no list of texts';
  if (!Array.isArray(tagsBase64)) return 'its tagsBase64 is no list of base64';
  const all = (tags as string[]).map((tag) => encoder.encode(tag));
  for (const coded of tagsBase64 as unknown[]) {
    const tag = decodeBase64(coded);
    if (tag === null) return 'its tagsBase64 is no list of base64';
    all.push(tag);
  }
  return all;
}

function decodeBase64(coded: unknown): Uint8Array<ArrayBuffer> | null {
  // What Buffer makes of other text is anybody's guess.
  if (typeof coded !== 'string' || !/^[\w+/-]*={0,2}$/.test(coded)) return null;
  return new Uint8Array(Buffer.from(coded, 'base64'));
}
