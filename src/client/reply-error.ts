import { ReplyError } from './errors.ts';

/** The error of a response or of one operation of a batch: `{code, message, retryable}`, or whatever else came. */
export function replyErrorOf(error: unknown, isWrite: boolean): ReplyError {
  const { code, message, retryable } = isRecord(error) ? error : {};
  const known = typeof code === 'string' ? code : 'internal';
  return new ReplyError(known, typeof message === 'string' ? message : String(error), {
    retryable: retryable === true,
    maybeApplied: isWrite && (known === 'indeterminate' || known === 'internal'),
  });
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
