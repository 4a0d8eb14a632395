/** Makes a value of what a server told; what is missing or of another kind becomes nothing: 0, '', an empty list. */
export type Reader<T> = (told: unknown) => T;

export const number: Reader<number> = (told) => (typeof told === 'number' && Number.isFinite(told) ? told : 0);
export const text: Reader<string> = (told) => (typeof told === 'string' ? told : '');
export const flag: Reader<boolean> = (told) => told === true;

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (told) => (told === null || told === undefined ? null : reader(told));
}

/** Of objects that are left out where there is nothing to tell of. */
export function nullableFields<T>(reader: Reader<T>): Reader<T | null> {
  return (told) => (isFields(told) ? reader(told) : null);
}

export function list<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (told) => (Array.isArray(told) ? told.map((each: unknown) => reader(each)) : []);
}

export function record<T>(reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (told) =>
    Object.fromEntries(Object.entries(isFields(told) ? told : {}).map(([name, value]) => [name, reader(value)]));
}

export function fields<T extends object>(readers: { readonly [Name in keyof T]: Reader<T[Name]> }): Reader<T> {
  const all = Object.entries(readers) as [string, Reader<unknown>][];
  return (told) => {
    const values = isFields(told) ? told : {};
    return Object.fromEntries(all.map(([name, reader]) => [name, reader(values[name])])) as T;
  };
}

function isFields(told: unknown): told is Readonly<Record<string, unknown>> {
  return typeof told === 'object' && told !== null && !Array.isArray(told);
}
