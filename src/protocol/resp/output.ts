/** What replies are written to: the part of a connection's output that an encoder needs. */
export interface ReplyOutput {
  /** Room for `count` bytes at `bytes[returned..)`. Take `bytes` anew after each call. */
  reserve(count: number): number;
  readonly bytes: Uint8Array;
}
