import { keyOfCall } from './key-of-call.ts';
import { isKey, type Operation } from './operation.ts';
import { NestedRequest } from './request-encoder.ts';
import type { Key } from './values.ts';

/** Commands that change no key's value, whatever else they do. */
const changingNothing: ReadonlySet<string> = new Set(['cancelfill', 'getfill', 'info', 'ping', 'publish']);
/** Commands all of whose parameters that could be keys are; behind them may be options. */
const ofKeysOnly: ReadonlySet<string> = new Set(['del', 'delete', 'unlink']);
/** Commands whose first two parameters are keys. */
const ofTwoKeys: ReadonlySet<string> = new Set(['copy', 'rename', 'renamenx']);
/** Commands of a key, a value, a key, a value, and so on. */
const ofPairs: ReadonlySet<string> = new Set(['mset', 'msetnx']);

/** The keys whose values an operation may change; null: any, which is also said of what is not known. */
export function keysWritten(operation: Pick<Operation<unknown>, 'method' | 'params' | 'key'>): readonly Key[] | null {
  const { params, key } = operation;
  const method = operation.method.toLowerCase();
  if (changingNothing.has(method)) return [];
  if (ofKeysOnly.has(method)) return params.filter(isKey);
  if (ofTwoKeys.has(method)) return params.slice(0, 2).filter(isKey);
  if (ofPairs.has(method)) return params.filter((_, index) => index % 2 === 0).filter(isKey);
  if (method === 'batch') return keysOfBatch(params);
  return key === null ? null : [key];
}

function keysOfBatch(params: readonly unknown[]): readonly Key[] | null {
  const keys: Key[] = [];
  for (const param of params) {
    // A batch that was made by hand.
    if (!(param instanceof NestedRequest)) return null;
    const { method, params: words } = param;
    const written = keysWritten({ method, params: words, key: keyOfCall(method, words) });
    if (written === null) return null;
    keys.push(...written);
  }
  return keys;
}
