/** What a message may hold at most. */
export interface RpcLimits {
  /** Of a whole message, its markers included. */
  readonly messageBytesMax: number;
  readonly paramsMax: number;
  /** Of one value, and so of the JSON text that a document becomes. */
  readonly valueBytesMax: number;
}

/** Levels of nesting of a document. */
export const documentDepthMax = 128;

/** A document may lie in the params of an operation in the params of a batch in a message. */
export const messageDepthMax = documentDepthMax + 4;
