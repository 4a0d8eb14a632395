/**
 * What a message on the bus begins with: the number of its kind. A number is never used again for another kind, and a
 * kind whose fields change gets a new one.
 */
export const MessageKind = {
  vote: 1,
  voted: 2,
  raftAppend: 3,
  raftAppended: 4,
  raftSnapshot: 5,
  timeoutNow: 6,

  append: 16,
  ack: 17,
  nack: 18,
  chunk: 19,
  chunkAck: 20,

  request: 32,
  answer: 33,
  heartbeat: 34,
  heartbeatOk: 35,
  notLeader: 36,
} as const;
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Of one message. */
export const entriesMax = 65_536;
/** Of one message: writes of an append, entries of a snapshot's piece. */
export const recordsMax = 65_536;
