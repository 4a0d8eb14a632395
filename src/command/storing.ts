import { TAG_LIST_BYTES_MAX } from '../base/cache-limits.ts';
import { type EntryAttributes, type PutRequest, PutStatus, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import type { ReplyWriter } from './reply.ts';

/** Redis's texts for what a store refuses. */
const outOfMemory = "command not allowed when used memory > 'maxmemory'.";
const tooLarge = 'string exceeds maximum allowed size (proto-max-bulk-len)';
export const wrongType = 'Operation against a key holding the wrong kind of value';

/** Given back to the allocator when a value this large has passed through. */
const scratchBytesKept = 1 << 20;
const empty = new Uint8Array(0);

/**
 * What one thread needs to build values in: commands run one at a time and never wait, so one record and one buffer
 * serve them all.
 */
const request: PutRequest = {
  key: empty,
  keyStart: 0,
  keyEnd: 0,
  value: empty,
  valueStart: 0,
  valueEnd: 0,
  type: ValueType.string,
  expiresAtMs: 0,
  contentType: empty,
  contentTypeStart: 0,
  contentTypeEnd: 0,
  keepsExpiry: false,
  attributes: null,
};
/** Of the request, where it has any. */
const attributes: EntryAttributes = {
  staleMs: 0,
  tags: empty,
  tagsStart: 0,
  tagsEnd: 0,
  fillToken: 0,
  fillUntilMs: 0,
  fillVersion: 0,
  isHollow: false,
};
const tagScratch = new Uint8Array(TAG_LIST_BYTES_MAX);
let scratch = new Uint8Array(4096);
const contentTypeScratch = new Uint8Array(255);

/** A buffer of at least `length` bytes whose contents are the caller's until the next call. */
export function scratchOf(length: number): Uint8Array {
  if (scratch.length < length || scratch.length > scratchBytesKept) {
    scratch = new Uint8Array(Math.max(4096, 2 ** Math.ceil(Math.log2(length))));
  }
  return scratch;
}

/** Begins the write of key argument `index`: no expiry, no content type, type string, until told otherwise. */
export function beginPut(args: Args, index: number): PutRequest {
  request.key = args.bytes;
  request.keyStart = args.start(index);
  request.keyEnd = args.end(index);
  request.type = ValueType.string;
  request.expiresAtMs = 0;
  request.keepsExpiry = false;
  request.contentTypeStart = 0;
  request.contentTypeEnd = 0;
  request.attributes = null;
  return request;
}

/** Gives what was begun a stale window and tags: a list as `EntryAttributes` has it. */
export function setAttributes(staleMs: number, tags: Uint8Array, start: number, end: number): void {
  attributes.staleMs = staleMs;
  attributes.tags = tags;
  attributes.tagsStart = start;
  attributes.tagsEnd = end;
  request.attributes = staleMs > 0 || end > start ? attributes : null;
}

/** As `beginPut`, keeping expiry, stale window, tags and content type of the entry just found under the key. */
export function beginRewrite(store: WriteView, args: Args, index: number): PutRequest {
  beginPut(args, index);
  request.expiresAtMs = store.entry.expiresAtMs;
  request.keepsExpiry = true;
  if (store.entry.contentTypeBytes > 0) {
    store.copyContentType(contentTypeScratch, 0);
    request.contentType = contentTypeScratch;
    request.contentTypeEnd = store.entry.contentTypeBytes;
  }
  const { staleMs, tagBytes } = store.entry;
  if (tagBytes > 0) store.copyTags(tagScratch, 0);
  if (staleMs > 0 || tagBytes > 0) setAttributes(staleMs, tagScratch, 0, tagBytes);
  return request;
}

export function setValue(target: PutRequest, value: Uint8Array, start: number, end: number): void {
  target.value = value;
  target.valueStart = start;
  target.valueEnd = end;
}

/** Puts what was begun; false when the store refuses, and then the reply is the error and nothing else. */
export function commitPut(store: WriteView, reply: ReplyWriter): boolean {
  if (request.valueEnd - request.valueStart > store.valueBytesMax) return refuseTooLarge(reply);
  return tellRefusal(store.put(request), reply);
}

/** As `commitPut`, with the version of the new entry in front of the reply. */
export function commitPutWithVersion(store: WriteView, reply: ReplyWriter): boolean {
  if (request.valueEnd - request.valueStart > store.valueBytesMax) return refuseTooLarge(reply);
  const status = store.put(request);
  if (!tellRefusal(status, reply)) return false;
  reply.attribute(store.lastVersion, status === PutStatus.created);
  return true;
}

/** Ends a group of writes; takes it back unless every one of them was `stored`. */
export function finishGroup(store: WriteView, stored: boolean): void {
  if (stored) store.endGroup();
  else store.abandonGroup();
}

export function refuseTooLarge(reply: ReplyWriter): false {
  reply.truncate(0);
  reply.error('value-too-large', tooLarge);
  return false;
}

export function refuseOutOfMemory(reply: ReplyWriter): false {
  reply.truncate(0);
  reply.error('out-of-memory', outOfMemory);
  return false;
}

function tellRefusal(status: PutStatus, reply: ReplyWriter): boolean {
  if (status === PutStatus.outOfMemory) return refuseOutOfMemory(reply);
  if (status === PutStatus.tooLarge) return refuseTooLarge(reply);
  return true;
}

/** Writes a found entry's value to the reply. */
export function replyWithValue(view: Pick<WriteView, 'entry' | 'copyValue'>, reply: ReplyWriter): void {
  const at = reply.bulkOf(view.entry.type, view.entry.valueBytes);
  view.copyValue(reply.bytes, at);
}
