import { TAG_BYTES_MAX, TAG_LIST_BYTES_MAX, TAGS_MAX } from '../base/cache-limits.ts';
import type { ReadView } from '../base/view.ts';
import type { Args } from './args.ts';
import { decodeSmallInteger } from './decimal.ts';
import { syntaxError } from './options.ts';
import type { ReplyWriter } from './reply.ts';

const bytesTogetherMax = TAG_LIST_BYTES_MAX - TAGS_MAX;

/**
 * The tags of one entry as a store takes and gives them: for each its length in one byte, then its bytes. A record that is
 * refilled for every command.
 */
export class TagList {
  /** Holds the list at 0 to `length`. */
  readonly bytes = new Uint8Array(TAG_LIST_BYTES_MAX);
  length = 0;
  count = 0;

  clear(): void {
    this.length = 0;
    this.count = 0;
  }

  /** Takes over the tags of the entry found last. */
  copyFrom(view: ReadView): void {
    this.count = view.entry.tagCount;
    this.length = view.entry.tagBytes;
    if (this.length > 0) view.copyTags(this.bytes, 0);
  }

  /**
   * Reads `TAGS count tag [tag ...]` whose count is argument `at`; tags that are there twice count once. Returns the
   * index of the last argument that belongs to it; -1, with the error written, when it is not as it must be.
   */
  read(args: Args, at: number, reply: ReplyWriter): number {
    this.clear();
    const count = decodeSmallInteger(args.bytes, args.start(at), args.end(at));
    if (!(count >= 1 && count <= TAGS_MAX)) {
      reply.error('invalid-argument', `the number of tags must be from 1 to ${TAGS_MAX}`);
      return -1;
    }
    if (at + count >= args.count) {
      syntaxError(reply);
      return -1;
    }
    for (let index = at + 1; index <= at + count; index++) {
      if (!isTag(args, index, reply)) return -1;
      if (this.#add(args.bytes, args.start(index), args.end(index))) continue;
      reply.error('invalid-argument', `the tags of a key have more than ${bytesTogetherMax} bytes together`);
      return -1;
    }
    return at + count;
  }

  /** False when there is no room for it. */
  #add(source: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    for (let at = 0; at < this.length; at += 1 + (this.bytes[at] as number)) {
      if (this.bytes[at] === size && isSame(this.bytes, at + 1, source, start, size)) return true;
    }
    if (this.length - this.count + size > bytesTogetherMax) return false;
    this.bytes[this.length] = size;
    this.bytes.set(source.subarray(start, end), this.length + 1);
    this.length += 1 + size;
    this.count++;
    return true;
  }
}

/** Whether argument `index` can be a tag; the error is written when it cannot. */
export function isTag(args: Args, index: number, reply: ReplyWriter): boolean {
  const length = args.byteLength(index);
  if (length >= 1 && length <= TAG_BYTES_MAX) return true;
  reply.error('invalid-argument', `a tag must have from 1 to ${TAG_BYTES_MAX} bytes`);
  return false;
}

function isSame(list: Uint8Array, at: number, source: Uint8Array, start: number, size: number): boolean {
  for (let offset = 0; offset < size; offset++) if (list[at + offset] !== source[start + offset]) return false;
  return true;
}
