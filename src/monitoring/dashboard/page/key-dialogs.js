/** @import { KeyName } from '../feed.ts' */
/** @import { Entry, KeyStore } from './key-store.js' */
/** @import { ValueKind } from './value-kind.js' */
import { labelled, openDialog } from './dialog.js';
import { element } from './element.js';
import { compactJson, jsonFault, prettyJson } from './json-text.js';
import { lineOf } from './key-text.js';
import { isNumberText, textOf } from './value-kind.js';

const changedText =
  'Somebody else changed this key in the meantime; nothing was written. Close this and look at it anew.';
const units = /** @type {const} */ ([
  ['s', 'seconds', 1000],
  ['min', 'minutes', 60_000],
  ['h', 'hours', 3_600_000],
  ['d', 'days', 86_400_000],
]);

/**
 * Edits a value that is text, whole, and not changed since it was read. Its kind, its Content-Type and its time to live
 * stay.
 *
 * @param {KeyStore} store
 * @param {Entry} entry
 * @param {ValueKind} kind
 * @param {() => void} onDone
 */
export function openEditDialog(store, entry, kind, onDone) {
  const text = textOf(entry.bytes, true) ?? '';
  const field = element('textarea', { class: 'input', rows: 14, spellcheck: 'false', autofocus: true });
  field.value = kind === 'json' ? prettyJson(text) : text;
  return openDialog({
    title: `Edit ${lineOf(entry.name.key, 60)}`,
    content: [labelled(kindTitles[kind], field)],
    action: 'Save',
    isWide: true,
    run: async () => {
      const fault = faultOfValue(kind, field.value);
      if (fault !== null) return fault;
      // What was stored without spaces is laid out for the editor alone.
      const isCompact = kind === 'json' && compactJson(text) === text;
      const bytes = new TextEncoder().encode(isCompact ? compactJson(field.value) : field.value);
      const contentType = contentTypeToWrite(entry.contentType, kind);
      const expiresAtMs = await store.expiryOf(entry);
      return done(await store.write(entry.name, bytes, { etag: entry.etag, contentType, expiresAtMs }), onDone);
    },
  });
}

/**
 * @param {KeyStore} store
 * @param {Entry} entry
 * @param {() => void} onDone
 */
export function openExpiryDialog(store, entry, onDone) {
  const expiry = expiryFields(entry.expiresAtMs === null ? null : entry.expiresAtMs - Date.now());
  return openDialog({
    title: `When ${lineOf(entry.name.key, 60)} expires`,
    content: [expiry.root],
    action: 'Set',
    run: async () => {
      const expiresAtMs = expiry.read();
      if (expiresAtMs === 'wrong') return expiryFault;
      return done(await store.setExpiry(entry, expiresAtMs), onDone);
    },
  });
}

/**
 * @param {KeyStore} store
 * @param {Entry} entry
 * @param {() => void} onDone
 */
export function openDeleteDialog(store, entry, onDone) {
  return openDialog({
    title: 'Delete this key?',
    content: [element('p', { class: 'mono dialog-key', text: lineOf(entry.name.key, 400) })],
    action: 'Delete',
    isDangerous: true,
    run: async () => done(await store.remove(entry.name, entry.etag), onDone),
  });
}

/**
 * @param {KeyStore} store
 * @param {(name: KeyName) => void} onDone
 */
export function openCreateDialog(store, onDone) {
  const key = element('input', { class: 'input', name: 'key', autocomplete: 'off', autofocus: true });
  const kind = element(
    'select',
    { class: 'select', name: 'kind' },
    ...options([
      ['text', 'Text or number'],
      ['json', 'JSON'],
    ]),
  );
  const value = element('textarea', { class: 'input', rows: 8, spellcheck: 'false' });
  const expiry = expiryFields(null);
  return openDialog({
    title: 'New key',
    content: [labelled('Key', key), labelled('Kind', kind), labelled('Value', value), expiry.root],
    action: 'Create',
    isWide: true,
    run: async () => {
      if (key.value === '') return 'A key needs a name.';
      const fault = kind.value === 'json' ? faultOfValue('json', value.value) : null;
      if (fault !== null) return fault;
      const expiresAtMs = expiry.read();
      if (expiresAtMs === 'wrong') return expiryFault;
      const name = { key: key.value };
      const contentType = kind.value === 'json' ? 'application/json' : '';
      const bytes = new TextEncoder().encode(value.value);
      const outcome = await store.write(name, bytes, { etag: null, contentType, expiresAtMs });
      if (outcome === 'changed') return 'There is a key of this name already.';
      onDone(name);
      return null;
    },
  });
}

/** @type {Readonly<Record<ValueKind, string>>} */
const kindTitles = { json: 'JSON', number: 'Number', text: 'Text', bytes: 'Bytes' };
const expiryFault = 'The time is to be a number above 0.';

/**
 * @param {'done' | 'changed'} outcome
 * @param {() => void} onDone
 */
function done(outcome, onDone) {
  if (outcome === 'changed') return changedText;
  onDone();
  return null;
}

/**
 * Why a text is no value of the kind; null: it is one.
 *
 * @param {ValueKind} kind
 * @param {string} text
 */
function faultOfValue(kind, text) {
  if (kind === 'json') {
    const fault = jsonFault(text);
    return fault === null ? null : `This is no JSON: ${fault}`;
  }
  if (kind === 'number' && !isNumberText(text)) return 'This is no number as the store writes numbers.';
  return null;
}

/**
 * The Content-Type with which a value stays of its kind. Those that the node answers with when none was stored are not
 * sent: then it sees for itself whether a text is a number.
 *
 * @param {string} contentType
 * @param {ValueKind} kind
 */
function contentTypeToWrite(contentType, kind) {
  if (kind === 'number') return '';
  return contentType === 'text/plain; charset=utf-8' ? '' : contentType;
}

/** @param {number | null} leftMs */
function expiryFields(leftMs) {
  const [unit = 's', , unitMs = 1000] = [...units].reverse().find(([, , ms]) => (leftMs ?? 0) >= 2 * ms) ?? units[0];
  const amount = element('input', {
    class: 'input',
    name: 'expiry',
    inputmode: 'decimal',
    autocomplete: 'off',
    placeholder: 'never',
  });
  if (leftMs !== null) amount.value = String(Math.max(1, Math.round(leftMs / unitMs)));
  const select = element('select', { class: 'select', name: 'unit', 'aria-label': 'Unit' }, ...options(units));
  select.value = unit;
  const root = labelled('Expires in', element('span', { class: 'field-row' }, amount, select), 'Empty: never.');
  return {
    root,
    /** @returns {number | null | 'wrong'} when it expires; null: never */
    read: () => {
      const text = amount.value.trim();
      if (text === '') return null;
      const ms = Number(text) * (units.find(([name]) => name === select.value)?.[2] ?? 1000);
      return ms > 0 && ms < 1e14 ? Date.now() + ms : 'wrong';
    },
  };
}

/** @param {readonly (readonly [string, string, ...unknown[]])[]} rows */
function options(rows) {
  return rows.map(([value, text]) => element('option', { value, text }));
}
