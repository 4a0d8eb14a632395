import { SLOT_COUNT, slotOf } from '../../base/slot.ts';
import type { EntryInfo, ReadView } from '../../base/view.ts';
import { ValueType } from '../../base/view.ts';
import type { Args } from '../args.ts';
import type { SurveyNode } from '../command.ts';
import { decodeRoughInteger } from '../decimal.ts';
import { integerArg } from '../options.ts';
import { ReplyReader, type ReplyWriter } from '../reply.ts';

const lastSlot = SLOT_COUNT - 1;

/** Entries looked at before other commands have their turn. */
const entriesPerPiece = 4096;
/** Cursors of one store are below this; a cursor over all is the shard's number times it, and its store's cursor. */
const cursorsPerShard = 2 ** 32;

/** What the visitor of one piece needs; refilled for every piece. */
const search = {
  slot: 0,
  found: 0,
  wanted: 0,
  reply: null as ReplyWriter | null,
};

function visit(keys: Uint8Array, start: number, end: number, _entry: EntryInfo): void {
  if (slotOf(keys, start, end) !== search.slot || search.found >= search.wanted) return;
  search.found++;
  search.reply?.bulk(ValueType.string, keys, start, end);
}

/** Looks at one piece of all keys from `cursor` on; returns the next cursor, 0 at the end or when enough is found. */
function searchPiece(views: readonly ReadView[], cursor: number): number {
  const shard = Math.floor(cursor / cursorsPerShard);
  const view = views[shard];
  if (view === undefined) return 0;
  const next = view.scan(cursor % cursorsPerShard, entriesPerPiece, visit);
  if (search.found >= search.wanted) return 0;
  if (next > 0) return shard * cursorsPerShard + next;
  return shard + 1 < views.length ? (shard + 1) * cursorsPerShard : 0;
}

const reader = new ReplyReader();

/** CLUSTER COUNTKEYSINSLOT, piece by piece. */
export function countKeys(
  views: readonly ReadView[],
  _node: SurveyNode,
  args: Args,
  reply: ReplyWriter,
  resume: number,
): number {
  const slot = integerArg(args, 1, reply);
  if (Number.isNaN(slot)) return 0;
  if (slot < 0 || slot > lastSlot) {
    reply.error('invalid-argument', 'Invalid slot');
    return 0;
  }
  // What earlier pieces found stands in the reply.
  if (resume > 0) reader.openWritten(reply);
  Object.assign(search, { slot, wanted: Infinity, reply: null });
  search.found = resume > 0 ? reader.number : 0;
  const next = searchPiece(views, resume);
  reply.truncate(0);
  reply.integer(search.found);
  return next;
}

/** CLUSTER GETKEYSINSLOT, likewise. */
export function getKeys(
  views: readonly ReadView[],
  _node: SurveyNode,
  args: Args,
  reply: ReplyWriter,
  resume: number,
): number {
  const slot = integerArg(args, 1, reply);
  if (Number.isNaN(slot)) return 0;
  const wanted = decodeRoughInteger(args.bytes, args.start(2), args.end(2));
  if (Number.isNaN(wanted)) {
    integerArg(args, 2, reply);
    return 0;
  }
  if (slot < 0 || slot > lastSlot || wanted < 0) {
    reply.error('invalid-argument', 'Invalid slot or number of keys');
    return 0;
  }
  const mark = resume === 0 ? reply.beginArray() : 1;
  reader.openWritten(reply);
  const before = reader.count;
  Object.assign(search, { slot, wanted, reply });
  search.found = before;
  const next = wanted === 0 ? 0 : searchPiece(views, resume);
  search.reply = null;
  reply.endArray(mark, search.found);
  return next;
}
