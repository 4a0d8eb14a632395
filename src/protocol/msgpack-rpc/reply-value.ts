import { unreachable } from '../../base/assert.ts';
import { type ErrorCode, errors } from '../../base/errors.ts';
import { Marker } from '../../base/msgpack-wire.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import { countTags, tagEnd } from '../../base/tag-list.ts';
import { ValueType } from '../../base/view.ts';
import { ReplyKind, type ReplyReader } from '../../command/reply.ts';
import { DocumentValue, writeNumberText } from './document-value.ts';

/** Writes replies of commands as the results of requests. */
export class ReplyValue {
  readonly #writer: ValueWriter;
  readonly #document = new DocumentValue();

  constructor(writer: ValueWriter) {
    this.#writer = writer;
  }

  /** Writes the whole reply, of which the first part was stepped to: several parts become an array of them. */
  write(reply: ReplyReader): void {
    if (reply.kind !== ReplyKind.push) {
      this.#part(reply);
      return;
    }
    const start = reply.partStart;
    let parts = 1;
    reply.skip();
    for (; !reply.done; parts++) {
      reply.next();
      reply.skip();
    }
    this.#writer.array(parts);
    reply.open(reply.bytes, start, reply.nextStart);
    for (let index = 0; index < parts; index++) {
      if (index > 0) reply.next();
      this.#part(reply);
    }
  }

  /** The result where the version was asked for, the reply's first part being stepped to. */
  writeWithVersion(reply: ReplyReader): void {
    const { version, created } = reply;
    const writer = this.#writer;
    writer.map(3);
    writer.string('result');
    this.write(reply);
    writer.string('version');
    if (version === 0) writer.nil();
    else writer.integer(version);
    writer.string('created');
    writer.boolean(created);
  }

  /** The result of `entry`, from the reply of `flux.entry`. */
  writeEntry(reply: ReplyReader, nowMs: number): void {
    const writer = this.#writer;
    if (reply.kind !== ReplyKind.array) {
      writer.nil();
      return;
    }
    const headAt = writer.length;
    let members = 4;
    writer.map(members);
    reply.next();
    writer.string('value');
    this.#part(reply);
    reply.next();
    writer.string('version');
    writer.integer(reply.number);
    reply.next();
    writer.string('ttlMs');
    // An entry that is due and yet served has a millisecond left.
    if (reply.number === 0) writer.nil();
    else writer.integer(Math.max(1, reply.number - nowMs));
    reply.next();
    writer.string('contentType');
    if (reply.start === reply.end) writer.nil();
    else writer.text(reply.bytes, reply.start, reply.end);
    // Few entries have what follows.
    reply.next();
    if (reply.number > 0) {
      members++;
      writer.string('staleMs');
      writer.integer(reply.number);
    }
    reply.next();
    if (reply.start < reply.end) {
      members++;
      writer.string('tags');
      this.#tags(reply.bytes, reply.start, reply.end);
    }
    writer.bytes[headAt] = Marker.fixMap | members;
  }

  /** Of a list of tags: an array of them. */
  #tags(bytes: Uint8Array, start: number, end: number): void {
    const writer = this.#writer;
    writer.array(countTags(bytes, start, end));
    for (let at = start; at < end; at = tagEnd(bytes, at)) writer.text(bytes, at + 1, tagEnd(bytes, at));
  }

  error(code: ErrorCode, message: string): void {
    const writer = this.#writer;
    writer.map(3);
    writer.string('code');
    writer.string(code);
    writer.string('message');
    writer.string(message);
    writer.string('retryable');
    writer.boolean(errors[code].retryable);
  }

  #part(reply: ReplyReader): void {
    const writer = this.#writer;
    switch (reply.kind) {
      case ReplyKind.null:
      case ReplyKind.nullArray:
        writer.nil();
        break;
      case ReplyKind.false:
        writer.boolean(false);
        break;
      case ReplyKind.true:
        writer.boolean(true);
        break;
      case ReplyKind.integer:
        writer.integer(reply.number);
        break;
      case ReplyKind.bigInteger:
        writer.int64(reply.bigInteger);
        break;
      case ReplyKind.double:
        writer.double(reply.number);
        break;
      case ReplyKind.status:
      case ReplyKind.text:
      case ReplyKind.numbers:
        writer.text(reply.bytes, reply.start, reply.end);
        break;
      case ReplyKind.bulk:
        this.#value(reply.type, reply.bytes, reply.start, reply.end);
        break;
      case ReplyKind.error:
        this.error(reply.errorCode, reply.text);
        break;
      case ReplyKind.array:
      case ReplyKind.set:
      case ReplyKind.push:
        this.#elements(reply, reply.count, false);
        break;
      case ReplyKind.map:
        this.#elements(reply, reply.count, true);
        break;
      case ReplyKind.enclosed:
        reply.next();
        this.#part(reply);
        break;
      case ReplyKind.attribute:
        break;
      default:
        unreachable(reply.kind);
    }
  }

  #elements(reply: ReplyReader, count: number, isMap: boolean): void {
    if (isMap) this.#writer.map(count);
    else this.#writer.array(count);
    for (let left = isMap ? count * 2 : count; left > 0; left--) {
      reply.next();
      this.#part(reply);
    }
  }

  #value(type: ValueType, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case ValueType.string:
        this.#writer.text(bytes, start, end);
        break;
      case ValueType.bytes:
        this.#writer.bin(bytes, start, end);
        break;
      case ValueType.number:
        writeNumberText(bytes, start, end, this.#writer);
        break;
      case ValueType.json:
        this.#document.write(bytes, start, end, this.#writer);
        break;
      default:
        unreachable(type);
    }
  }
}
