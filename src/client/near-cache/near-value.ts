import { Buffer } from 'node:buffer';

/** Shorter texts are copied by V8 when they are cut out of others. */
const SLICE_UNITS_MIN = 13;
const OBJECT_BYTES = 56;
const MEMBER_BYTES = 24;
const TEXT_BYTES = 24;

/**
 * A value that shares nothing with the one given, which its holder may change. With `detached`, texts do not keep the
 * message alive either that they were read from.
 */
export function copyOfValue(value: unknown, detached: boolean): unknown {
  if (typeof value === 'string') return detached ? detachedText(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map((item) => copyOfValue(item, detached));
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const own = copyOfValue(member, detached);
    if (name !== '__proto__') copy[name] = own;
    // A member like any other, which an assignment would not make it.
    else Object.defineProperty(copy, name, { value: own, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

/** Bytes that a value takes at most, about. */
export function bytesOfValue(value: unknown): number {
  if (typeof value === 'string') return TEXT_BYTES + 2 * value.length;
  if (typeof value === 'bigint') return MEMBER_BYTES;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Uint8Array) return 2 * OBJECT_BYTES + value.length;
  let bytes = OBJECT_BYTES;
  if (Array.isArray(value)) for (const item of value) bytes += 8 + bytesOfValue(item);
  else
    for (const [name, member] of Object.entries(value)) bytes += MEMBER_BYTES + 2 * name.length + bytesOfValue(member);
  return bytes;
}

/** What was decoded is UTF-8, so that nothing is lost on this way. */
function detachedText(text: string): string {
  return text.length < SLICE_UNITS_MIN ? text : Buffer.from(text).toString();
}
