import { type Entry, type EntryType, entryTypes } from './entry.ts';

/** What a record of a file says, as far as it is of the same form in all formats; undefined where it says nothing. */
export interface EntryFields {
  key: Uint8Array | undefined;
  value: Uint8Array | undefined;
  /** The type that the form of the value has by itself. */
  valueType: EntryType;
  type: unknown;
  /** Milliseconds since the Unix epoch. */
  expiresAt: unknown;
  /** Seconds from when it is read. */
  ttl: unknown;
  /** Seconds. */
  stale: unknown;
  tags: readonly Uint8Array[];
  contentType: unknown;
}

/** The names of fields that each format has; those of key, value and tags differ. */
export const plainFields = ['type', 'expiresAt', 'ttl', 'stale', 'contentType'] as const;

const expiresAtMsMax = 2 ** 48 - 1;
const secondsMax = expiresAtMsMax / 1000;
const empty: readonly Uint8Array[] = [];

export function noFields(): EntryFields {
  return {
    key: undefined,
    value: undefined,
    valueType: 'string',
    type: undefined,
    expiresAt: undefined,
    ttl: undefined,
    stale: undefined,
    tags: empty,
    contentType: undefined,
  };
}

/** The entry that the fields make; or what is wrong with them. */
export function entryOf(fields: EntryFields, nowMs: number): Entry | string {
  const { key, value, expiresAt, ttl, stale, tags, contentType } = fields;
  if (key === undefined) return 'it has no key';
  if (value === undefined) return 'it has no value';
  const type = typeOf(fields);
  if (type === null) return `its type is none of ${entryTypes.join(', ')}`;
  if (fields.valueType === 'number' && type !== 'number' && type !== 'json') return `its value is a number, no ${type}`;
  if (fields.valueType === 'json' && type !== 'json') return `its value is a document, no ${type}`;
  if (expiresAt !== undefined && ttl !== undefined) return 'expiresAt and ttl contradict each other';
  if (expiresAt !== undefined && !isWhole(expiresAt)) return 'its expiresAt is no time in milliseconds since 1970';
  if (ttl !== undefined && !isSeconds(ttl)) return 'its ttl is no time in seconds';
  if (stale !== undefined && !isSeconds(stale)) return 'its stale is no time in seconds';
  if (contentType !== undefined && typeof contentType !== 'string') return 'its contentType is no text';
  return {
    key,
    value,
    type,
    expiresAtMs:
      expiresAt !== undefined
        ? Math.min(Math.max(expiresAt, 1), expiresAtMsMax)
        : ttl !== undefined
          ? Math.min(Math.round(nowMs + ttl * 1000), expiresAtMsMax)
          : 0,
    staleMs: stale === undefined ? 0 : Math.round(stale * 1000),
    tags,
    contentType: contentType ?? '',
  };
}

function typeOf({ type, valueType }: EntryFields): EntryType | null {
  return type === undefined ? valueType : (entryTypes.find((each) => each === type) ?? null);
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= secondsMax;
}
