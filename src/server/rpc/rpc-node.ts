import type { RpcLimits } from '../../protocol/msgpack-rpc/limits.ts';
import type { SessionNode } from '../session/session-node.ts';

/** What the sessions of MessagePack-RPC need of the node they are on. */
export interface RpcNode extends SessionNode {
  readonly limits: RpcSessionLimits;
  readonly version: string;
}

export interface RpcSessionLimits extends RpcLimits {
  readonly keyBytesMax: number;
  /** Requests of one connection under way at once. */
  readonly pipelineMax: number;
  /** Operations of one batch. */
  readonly batchMax: number;
}
