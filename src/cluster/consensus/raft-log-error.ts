/** A fault of the disk that holds a node's part in consensus. What was being saved counts as not saved. */
export class RaftLogError extends Error {
  override readonly name = 'RaftLogError';
  /**
   * `locked`: another process works in the directory. `failed`: the disk refused; `cause` says why, and the same may
   * succeed later. `closed`: the log was closed.
   */
  readonly code: 'locked' | 'failed' | 'closed';

  constructor(code: RaftLogError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
