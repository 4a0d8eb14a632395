/**
 * The part of a transaction that is of one shard, as the arguments of `flux.exec`; numbers are decimal text:
 *
 *     slot · ordinal · participants · shards · watches · watches × (key · version · expiry) · commands × (row · count · arguments)
 *
 * `slot` is that of the barrier where the participants meet; -1 when there is one only. `ordinal` is this one's number
 * among them, `shards` the number of all shards of the node. A watch holds what WATCH was told of its key.
 */
export const TransactionArg = {
  slot: 0,
  ordinal: 1,
  participants: 2,
  shards: 3,
  watches: 4,
  first: 5,
} as const;

export const WATCH_ARGS = 3;
/** In front of each command's arguments. */
export const COMMAND_HEAD_ARGS = 2;

export const TRANSACTION_ROW = 'flux.exec';
