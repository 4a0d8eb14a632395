/** The trace that a request is a part of, as its sender named it (W3C Trace Context). All in lower-case hexadecimal. */
export interface TraceContext {
  /** Of 16 bytes, not all of them zero. */
  readonly traceId: string;
  /** Of the sender's span: 8 bytes, not all of them zero. */
  readonly spanId: string;
  /** One byte: bit 0 says that the trace is recorded. */
  readonly flags: string;
}

/** version "-" trace-id "-" parent-id "-" trace-flags, and of later versions what they add behind another "-". */
const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;
const VERSION_INVALID = 'ff';
/** Of versions that we do not know, what the bits mean beside this one is unknown, too. */
const RECORDED = 1;

/**
 * Reads the header `traceparent`. Null when there is none, or it is not as the specification has it: what is malformed
 * is ignored as a whole. Source: W3C Trace Context Level 1, section 3.2.
 */
export function decodeTraceparent(text: string): TraceContext | null {
  const [, version = '', traceId = '', spanId = '', flags = '', more] = form.exec(text) ?? [];
  if (version === '' || version === VERSION_INVALID || isZero(traceId) || isZero(spanId)) return null;
  if (version === '00') return more === undefined ? { traceId, spanId, flags } : null;
  return { traceId, spanId, flags: `0${Number.parseInt(flags, 16) & RECORDED}` };
}

function isZero(hex: string): boolean {
  return /^0*$/.test(hex);
}
