import { FluxCacheError } from '../errors.ts';

const DEPTH_MAX = 32;

/**
 * Arguments of a call as text that is the same for the same arguments, and another one for others: JSON, with the fields of
 * an object in the order of their names. What JSON takes for something else is refused, as two calls would share a key.
 * An undefined argument at the end is as one that is not given, and so is an undefined field.
 *
 * @throws FluxCacheError `invalid-argument`
 */
export function argumentText(args: readonly unknown[]): string {
  let { length } = args;
  while (length > 0 && args[length - 1] === undefined) length--;
  return listText(args.slice(0, length), 0);
}

function listText(items: readonly unknown[], depth: number): string {
  // Holes of a list are undefined, too.
  return `[${Array.from(items, (item) => textOf(item, depth + 1)).join(',')}]`;
}

function textOf(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw refused(`what nests deeper than ${DEPTH_MAX}, or contains itself`);
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value)) return String(value);
      throw refused(String(value));
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return listText(value, depth);
      if (value instanceof Date && Number.isFinite(value.getTime())) return JSON.stringify(value);
      if (isPlain(value)) return fieldsText(value, depth);
      throw refused(`a ${value.constructor?.name || 'strange object'}`);
    default:
      throw refused(typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`);
  }
}

function fieldsText(value: object, depth: number): string {
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${textOf(field, depth + 1)}`);
  return `{${fields.join(',')}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function refused(what: string): FluxCacheError {
  return new FluxCacheError(
    'invalid-argument',
    `An argument of a wrapped function is, or has within it, ${what}, of which no key is made: give wrap a function as its key.`,
  );
}
