import type { ErrorCode } from '../../base/errors.ts';

/** Why a request is not run. */
export interface RpcRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

export function refuse(code: ErrorCode, message: string): RpcRefusal {
  return { code, message };
}
