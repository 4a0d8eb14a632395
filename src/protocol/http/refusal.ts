import type { ErrorCode } from '../../base/errors.ts';

/** Why a request is refused: what the client is told, before it becomes a problem document. */
export interface Refusal {
  readonly code: ErrorCode;
  /** One sentence about this very request. */
  readonly detail: string;
  /** The field, query parameter or header that is wrong. */
  readonly field?: string;
  /** What that field may be. */
  readonly allowed?: string;
}

export function refuse(code: ErrorCode, detail: string, field?: string, allowed?: string): Refusal {
  return {
    code,
    detail,
    ...(field === undefined ? undefined : { field }),
    ...(allowed === undefined ? undefined : { allowed }),
  };
}

/** Client text for an error message: cut, so that an answer never grows with the request. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
