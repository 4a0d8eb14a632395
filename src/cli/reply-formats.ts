import type { Reply } from '../protocol/resp/reply.ts';
import { escapeByte, quoteBytes } from './quoting.ts';

/** How replies are shown: for people, as they are, or for other programs. */
export type Format = 'people' | 'raw' | 'csv' | 'json' | 'quoted-json';

export interface Delimiters {
  /** Between the elements of a raw reply, and behind it. */
  readonly element: string;
  readonly reply: string;
}

/** A whole reply in a format, with what ends it. */
export function formatReply(reply: Reply, format: Format, delimiters: Delimiters): Buffer {
  switch (format) {
    case 'people':
      return Buffer.from(forPeople(reply, ''));
    case 'raw':
      return Buffer.concat([...rawParts(reply, delimiters.element), Buffer.from(delimiters.reply)]);
    case 'csv':
      return Buffer.from(`${csv(reply)}\n`);
    case 'json':
    case 'quoted-json':
      return Buffer.from(`${json(reply, format === 'json' ? textOrEscapes : escapes)}\n`);
  }
}

const emptyNames = { array: '(empty array)', set: '(empty set)', push: '(empty push)', map: '(empty hash)' } as const;
const separators = { array: ')', set: '~', push: ')', map: '#' } as const;

/** As redis-cli shows it on a terminal; `indent` is what stands in front of the second and later elements. */
function forPeople(reply: Reply, indent: string): string {
  switch (reply.kind) {
    case 'status':
      return `${printable(reply.text)}\n`;
    case 'error':
      return `(error) ${printable(reply.text)}\n`;
    case 'integer':
      return `(integer) ${reply.value}\n`;
    case 'bigNumber':
      return `(big number) ${reply.value}\n`;
    case 'double':
      return `(double) ${reply.text}\n`;
    case 'boolean':
      return `(${reply.value})\n`;
    case 'null':
      return '(nil)\n';
    case 'bulk':
      return `${quoteBytes(reply.bytes)}\n`;
    case 'verbatim':
      return `${printable(utf8(reply.bytes))}\n`;
    case 'map':
      return list(reply.kind, reply.pairs, indent, ([key, value], inner) => {
        const text = forPeople(value, inner);
        // Elements stand below each other: several of them begin on a line of their own.
        const begin = isList(value) && text.indexOf('\n') < text.length - 1 ? `\n${inner}` : '';
        return `${forPeople(key, inner).slice(0, -1)} => ${begin}${text}`;
      });
    default:
      return list(reply.kind, reply.items, indent, forPeople);
  }
}

function isList(reply: Reply): boolean {
  return reply.kind === 'map' || 'items' in reply;
}

function list<T>(
  kind: keyof typeof emptyNames,
  items: readonly T[],
  indent: string,
  show: (item: T, indent: string) => string,
): string {
  if (items.length === 0) return `${emptyNames[kind]}\n`;
  const digits = String(items.length).length;
  const inner = indent + ' '.repeat(digits + 2);
  let text = '';
  for (const [at, item] of items.entries()) {
    text += `${at === 0 ? '' : indent}${String(at + 1).padStart(digits)}${separators[kind]} ${show(item, inner)}`;
  }
  return text;
}

function rawParts(reply: Reply, delimiter: string): Uint8Array[] {
  switch (reply.kind) {
    case 'null':
      return [];
    case 'bulk':
    case 'verbatim':
      return [reply.bytes];
    case 'error':
      return [Buffer.from(`${reply.text}\n`)];
    case 'map':
      return joined(reply.pairs, delimiter, ([key, value]) => [
        ...rawParts(key, delimiter),
        Buffer.from(' '),
        ...rawParts(value, delimiter),
      ]);
    case 'array':
    case 'set':
    case 'push':
      return joined(reply.items, delimiter, (item) => rawParts(item, delimiter));
    default:
      return [Buffer.from(scalarText(reply))];
  }
}

function joined<T>(items: readonly T[], delimiter: string, show: (item: T) => Uint8Array[]): Uint8Array[] {
  return items.flatMap((item, at) => (at === 0 ? show(item) : [Buffer.from(delimiter), ...show(item)]));
}

function csv(reply: Reply): string {
  switch (reply.kind) {
    case 'error':
      return `ERROR,${quoteBytes(Buffer.from(reply.text))}`;
    case 'status':
      return quoteBytes(Buffer.from(reply.text));
    case 'bulk':
    case 'verbatim':
      return quoteBytes(reply.bytes);
    case 'null':
      return 'NULL';
    case 'boolean':
      return String(reply.value);
    case 'map':
      return reply.pairs.map(([key, value]) => `${csv(key)},${csv(value)}`).join(',');
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(csv).join(',');
    default:
      return scalarText(reply);
  }
}

type Scalar = Exclude<Reply, { kind: 'null' | 'bulk' | 'verbatim' | 'array' | 'set' | 'push' | 'map' }>;

function scalarText(reply: Scalar): string {
  switch (reply.kind) {
    case 'status':
    case 'error':
    case 'double':
      return reply.text;
    case 'boolean':
      return `(${reply.value})`;
    default:
      return String(reply.value);
  }
}

/** As JSON; `show` turns bytes into the text of a JSON string. Infinities and NaN, which JSON lacks, become strings. */
function json(reply: Reply, show: (bytes: Uint8Array) => string): string {
  switch (reply.kind) {
    case 'null':
      return 'null';
    case 'boolean':
    case 'integer':
    case 'bigNumber':
      return String(reply.value);
    case 'double':
      return Number.isFinite(reply.value) ? JSON.stringify(reply.value) : JSON.stringify(reply.text);
    case 'status':
      return JSON.stringify(show(Buffer.from(reply.text)));
    case 'error':
      return `{"error":${JSON.stringify(show(Buffer.from(reply.text)))}}`;
    case 'bulk':
    case 'verbatim':
      return JSON.stringify(show(reply.bytes));
    case 'map':
      return `{${reply.pairs.map(([key, value]) => `${jsonKey(key, show)}:${json(value, show)}`).join(',')}}`;
    default:
      return `[${reply.items.map((item) => json(item, show)).join(',')}]`;
  }
}

/** A JSON key is a string: one of another kind is the text of its JSON. */
function jsonKey(key: Reply, show: (bytes: Uint8Array) => string): string {
  const text = json(key, show);
  return text.startsWith('"') ? text : JSON.stringify(text);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 as text; what is none with each byte that is not printable ASCII as `\xff`. */
export function textOrEscapes(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return escapes(bytes);
  }
}

function escapes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte === 0x22 ? '"' : escapeByte(byte);
  return text;
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/** Text of a server for a terminal: control characters, which could drive the terminal, are shown as escapes. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\r\t]/gu, (char) => escapeByte(char.charCodeAt(0)));
}
