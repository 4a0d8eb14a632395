/** What a decoder of requests takes at most; each is checked before anything is allocated for it. */
export interface RequestLimits {
  /** Of one command, its name included. */
  readonly argsMax: number;
  /** Of one argument. */
  readonly bulkBytesMax: number;
  /** Of one command as it stands on the wire, its lengths and line ends included. */
  readonly commandBytesMax: number;
}

/** Of a line: an inline command, or a count or length, without its end. Redis's PROTO_INLINE_MAX_SIZE. */
export const lineBytesMax = 64 * 1024;

/** What a connection may send before it has logged in where that is asked for; as in Redis. */
export const argsMaxBeforeLogin = 10;
export const bulkBytesMaxBeforeLogin = 16_384;
