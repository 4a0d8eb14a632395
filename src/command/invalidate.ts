import { INVALIDATED_BYTES_MAX, INVALIDATED_TAGS_MAX, TAG_LIST_BYTES_MAX } from '../base/cache-limits.ts';
import { type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, noKeys } from './command.ts';
import { isWord } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { isTag } from './tags.ts';

const list = new Uint8Array(INVALIDATED_BYTES_MAX);

/** Done again, it is as if it had been done later. */
function invalidate(store: WriteView, args: Args, reply: ReplyWriter): void {
  const isSoft = isWord(args, 0, 'SOFT');
  const first = isSoft || isWord(args, 0, 'HARD') ? 1 : 0;
  const count = args.count - first;
  if (count === 0) {
    reply.error('arity', "wrong number of arguments for 'invalidate' command");
    return;
  }
  if (count > INVALIDATED_TAGS_MAX) {
    reply.error('invalid-argument', `at most ${INVALIDATED_TAGS_MAX} tags are invalidated at once`);
    return;
  }
  const seen = new Set<string>();
  let length = 0;
  for (let index = first; index < args.count; index++) {
    if (!isTag(args, index, reply)) return;
    const tag = args.view(index);
    const name = Buffer.from(tag.buffer, tag.byteOffset, tag.length).toString('latin1');
    if (seen.has(name)) continue;
    seen.add(name);
    if (length + 1 + tag.length > INVALIDATED_BYTES_MAX) {
      reply.error('invalid-argument', `the tags have more than ${INVALIDATED_BYTES_MAX} bytes together`);
      return;
    }
    list[length] = tag.length;
    list.set(tag, length + 1);
    length += 1 + tag.length;
  }
  if (store.invalidateTags(list, 0, length, isSoft)) reply.integer(seen.size);
  else reply.error('overloaded', 'too many tags are being swept; nothing was invalidated by this shard: try again');
}

const tagScratch = new Uint8Array(TAG_LIST_BYTES_MAX);

function tags(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (!view.peek(args.bytes, args.start(0), args.end(0))) {
    reply.nullArray();
    return;
  }
  writeTags(view, reply);
}

/** Writes the tags of the entry found last as an array. */
export function writeTags(view: ReadView, reply: ReplyWriter): void {
  const { tagCount, tagBytes } = view.entry;
  if (tagBytes > 0) view.copyTags(tagScratch, 0);
  reply.array(tagCount);
  for (let at = 0; at < tagBytes; ) {
    const size = tagScratch[at] as number;
    reply.bulk(ValueType.string, tagScratch, at + 1, at + 1 + size);
    at += 1 + size;
  }
}

export const invalidateCommands: readonly CommandDeclaration[] = [
  {
    kind: 'sweep',
    isClusterWide: true,
    name: 'invalidate',
    arity: -2,
    flags: ['write'],
    keys: noKeys,
    group: 'cache',
    since: 'FluxCache 0.1.0',
    summary:
      'Makes all keys that bear one of the tags invalid, on all nodes: as if they were removed, or with SOFT as if their time ' +
      'were over now, so that those with a stale window are served within it to who asks for that. Their memory comes back ' +
      'by and by. Returns how many tags there were. A tag called hard or soft goes behind HARD or SOFT.',
    complexity: 'O(N) where N is the number of tags, whatever the number of keys',
    syntax: '[HARD | SOFT] tag [tag ...]',
    run: invalidate,
  },
  {
    kind: 'read',
    name: 'tags',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'cache',
    since: 'FluxCache 0.1.0',
    summary: 'Returns the tags of a key; null when it does not exist.',
    complexity: 'O(N) where N is the number of tags',
    syntax: 'key',
    run: tags,
  },
];
