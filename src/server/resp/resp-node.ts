import type { SessionNode } from '../session/session-node.ts';

/** What the sessions of RESP need of the node they are on. */
export interface RespNode extends SessionNode {
  readonly limits: RespLimits;
  /** Where HTTP is served, for who sends HTTP here. */
  readonly httpPort: () => number;
}

export interface RespLimits {
  readonly keyBytesMax: number;
  readonly bulkBytesMax: number;
  readonly commandBytesMax: number;
  readonly argumentsMax: number;
  /** Commands of one connection under way at once. */
  readonly pipelineMax: number;
}
