import { isUtf8 } from '../../base/utf8.ts';
import { windowForm, windowMsOf } from './cache-fields.ts';
import { ttlForm, ttlMsOf } from './limits.ts';
import { decodePercent } from './percent.ts';
import { quoted, type Refusal, refuse } from './refusal.ts';

/** The parameters of a query string by name, or why it is refused. Each parameter may be given once. */
export type Query = ReadonlyMap<string, Uint8Array>;

const noLists: ReadonlyMap<string, Uint8Array[]> = new Map();
const secondsForm = /^\d+(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * Reads a query string of which only the parameters `allowed` may be there. The values of one that is a name of `lists` are
 * appended there: it may be given again and again.
 */
export function parseQuery(
  query: string,
  allowed: readonly string[],
  lists: ReadonlyMap<string, Uint8Array[]> = noLists,
): Query | Refusal {
  const parameters = new Map<string, Uint8Array>();
  if (query === '') return parameters;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeText(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? new Uint8Array(0) : decode(pair.slice(equals + 1));
    if (name === null || value === null) {
      return refuse(
        'bad-request',
        `The percent-encoding of ${quoted(pair)} is broken.`,
        'query',
        '% and two hex digits',
      );
    }
    if (!allowed.includes(name) && !lists.has(name)) {
      const list = allowed.length + lists.size === 0 ? 'none' : [...allowed, ...lists.keys()].join(', ');
      return refuse('bad-request', `There is no parameter ${quoted(name)} here.`, name.slice(0, 64), list);
    }
    const list = lists.get(name);
    if (list !== undefined) {
      list.push(value);
      continue;
    }
    if (parameters.has(name)) return refuse('bad-request', `The parameter ${quoted(name)} is given twice.`, name);
    parameters.set(name, value);
  }
  return parameters;
}

export function isRefusal(result: object): result is Refusal {
  return 'code' in result;
}

/** A parameter's text; null when it is not UTF-8. */
function textOf(value: Uint8Array): string | null {
  if (!isUtf8(value, 0, value.length)) return null;
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
}

/** The whole number a parameter gives: `otherwise` when it is not given, a refusal when it is none or out of range. */
export function integerParameter(
  query: Query,
  name: string,
  least: number,
  most: number,
  otherwise: number,
): number | Refusal {
  const value = query.get(name);
  if (value === undefined) return otherwise;
  const text = textOf(value) ?? '';
  const number = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  if (number >= least && number <= most) return number;
  const form = `a whole number from ${least} to ${most}`;
  return refuse('invalid-argument', `The parameter ${quoted(name)} must be ${form}.`, name, form);
}

/** Milliseconds of a parameter that is a span in seconds, 0 included; null when it is not given. */
export function windowParameter(query: Query, name: string): number | null | Refusal {
  const value = query.get(name);
  if (value === undefined) return null;
  const text = textOf(value) ?? '';
  const ms = secondsForm.test(text) ? windowMsOf(Number(text)) : -1;
  return ms >= 0
    ? ms
    : refuse('invalid-argument', `The parameter ${quoted(name)} must be ${windowForm}.`, name, windowForm);
}

/** Milliseconds of a `ttl` parameter, given in seconds; 0 when it is not given. */
export function ttlParameter(query: Query): number | Refusal {
  const value = query.get('ttl');
  if (value === undefined) return 0;
  const text = textOf(value) ?? '';
  const ttlMs = secondsForm.test(text) ? ttlMsOf(Number(text)) : 0;
  return ttlMs > 0 ? ttlMs : refuse('invalid-argument', `The parameter "ttl" must be ${ttlForm}.`, 'ttl', ttlForm);
}

function decode(text: string): Uint8Array | null {
  const bytes = new Uint8Array(text.length * 3);
  const length = decodePercent(text, 0, text.length, bytes, 0, true);
  return length < 0 ? null : bytes.subarray(0, length);
}

function decodeText(text: string): string | null {
  const bytes = decode(text);
  return bytes === null ? null : textOf(bytes);
}
