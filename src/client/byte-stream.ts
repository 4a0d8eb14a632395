/**
 * As much of a socket as a connection needs; Node's sockets and streams are such. Said here, since programs that use the
 * library may be compiled without Node's types.
 */
export interface ByteStream {
  /** More was written than is good; `drain` tells when it is gone. */
  readonly writableNeedDrain: boolean;
  on(event: string, listener: (...args: never[]) => void): unknown;
  write(chunk: Uint8Array): boolean;
  cork(): void;
  uncork(): void;
  destroy(): unknown;
}
