import { errors } from '../../base/errors.ts';
import type { Refusal } from './refusal.ts';
import { statusPhraseOf } from './status.ts';

export const problemContentType = 'application/problem+json';

/**
 * The body of a failed request (RFC 9457): `type`, `title`, `status`, `detail`, and as extensions `error` (the code of
 * the error table, for programs), `field` and `allowed` where one field is at fault, `retryable`.
 */
export function problemOf(refusal: Refusal): string {
  const { httpStatus, retryable } = errors[refusal.code];
  return JSON.stringify({
    type: `urn:fluxcache:error:${refusal.code}`,
    title: statusPhraseOf(httpStatus),
    status: httpStatus,
    detail: refusal.detail,
    error: refusal.code,
    field: refusal.field,
    allowed: refusal.allowed,
    retryable,
  });
}
