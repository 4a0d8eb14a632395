import { isBlank, type JsonDocument, NodeKind } from './document.ts';

/** Thrown by what would make a text larger than its limit. */
export class TextTooLarge extends Error {}

/** Grows as JSON text is written to it; used again for the next one. */
export class TextBuffer {
  bytes = new Uint8Array(4096);
  length = 0;
  /** Beyond it the text does not grow. */
  bytesMax = Number.POSITIVE_INFINITY;
  readonly #bytesKept: number;

  constructor(bytesKept = 1 << 20) {
    this.#bytesKept = bytesKept;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > this.#bytesKept) this.bytes = new Uint8Array(4096);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  append(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** Appends a JSON text without the blanks between its tokens. */
  appendCompact(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    let to = this.length;
    let inString = false;
    for (let at = start; at < end; at++) {
      const byte = source[at] as number;
      if (!inString && isBlank(byte)) continue;
      this.bytes[to++] = byte;
      if (byte === quote) inString = !inString;
      else if (byte === backslash) this.bytes[to++] = source[++at] as number;
    }
    this.length = to;
  }

  text(value: string): void {
    this.#reserve(value.length <= 1024 ? value.length * 3 : Buffer.byteLength(value));
    this.length += encoder.encodeInto(value, this.bytes.subarray(this.length)).written;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    if (this.length + count > this.bytesMax) throw new TextTooLarge();
    const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(this.length + count)));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }
}

/** How JSON.GET lays a document out; all empty: the shortest text. */
export interface Layout {
  readonly indent: string;
  readonly newline: string;
  readonly space: string;
}

export const shortest: Layout = { indent: '', newline: '', space: '' };

/** Appends a node's text; values as they are stored, so that numbers keep every digit. */
export function appendNode(document: JsonDocument, node: number, layout: Layout, depth: number, out: TextBuffer): void {
  const start = document.start(node);
  const end = document.end(node);
  if (layout === shortest) {
    if (document.compact) out.append(document.bytes, start, end);
    else out.appendCompact(document.bytes, start, end);
    return;
  }
  if (!document.isContainer(node) || document.after(node) === node + 1) {
    out.appendCompact(document.bytes, start, end);
    return;
  }
  const isObject = document.kind(node) === NodeKind.object;
  out.byte(isObject ? openBrace : openBracket);
  const last = document.after(node);
  for (let child = node + 1; child < last; child = document.after(child)) {
    if (child > node + 1) out.byte(comma);
    appendLine(layout, depth + 1, out);
    if (isObject) {
      out.append(document.bytes, document.nameStart(child) - 1, document.nameEnd(child) + 1);
      out.byte(colon);
      out.text(layout.space);
    }
    appendNode(document, child, layout, depth + 1, out);
  }
  appendLine(layout, depth, out);
  out.byte(isObject ? closeBrace : closeBracket);
}

export function appendLine(layout: Layout, depth: number, out: TextBuffer): void {
  out.text(layout.newline);
  for (let level = 0; level < depth; level++) out.text(layout.indent);
}

const encoder = new TextEncoder();
const quote = 0x22;
const backslash = 0x5c;
export const comma = 0x2c;
export const colon = 0x3a;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;
