/** @import { KeyName } from '../feed.ts' */
/** @import { Entry, KeyStore } from './key-store.js' */
import { element, fill, setText } from './element.js';
import { formatBytes, formatDuration, formatWhole } from './format.js';
import { openDeleteDialog, openEditDialog, openExpiryDialog } from './key-dialogs.js';
import { isText } from './key-store.js';
import { keyPath, lineOf } from './key-text.js';
import { valueKind } from './value-kind.js';
import { valueView } from './value-view.js';

/**
 * One key: its value, and what may be done with it.
 *
 * @param {KeyStore} store
 * @param {{mayWrite: () => boolean, onGone: () => void, onBack: () => void}} options
 */
export function createKeyView(store, { mayWrite, onGone, onBack }) {
  const root = element('div', { class: 'key-view' });
  /** @type {KeyName | null} */
  let shown = null;
  /** @type {Entry | null} */
  let entry = null;
  let reading = new AbortController();
  const ttl = element('span', { class: 'badge' });
  setInterval(() => entry !== null && root.isConnected && setText(ttl, expiryText(entry.expiresAtMs)), 1000);

  /** @param {KeyName} name */
  const open = async (name) => {
    reading.abort();
    reading = new AbortController();
    const { signal } = reading;
    shown = name;
    entry = null;
    if (keyPath(name) === null) return say(name, unnameable(name));
    try {
      const read = await store.read(name, signal);
      if (signal.aborted) return;
      entry = read;
      if (read === null) say(name, 'There is no such key. It may have expired or been deleted.');
      else show(read);
    } catch (error) {
      if (!signal.aborted) say(name, error instanceof Error ? error.message : String(error));
    }
  };

  const close = () => {
    reading.abort();
    shown = null;
    entry = null;
    fill(root, element('p', { class: 'empty', text: 'Choose a key to see its value.' }));
  };

  /** @param {Entry} read */
  const show = (read) => {
    const isWhole = read.bytes.length === read.valueBytes;
    const kind = kindOf(read, isWhole);
    const { frame, choice } = valueView(kind, read.bytes, isWhole);
    const again = () => void open(read.name);
    const version = /^(?:W\/)?"?(\w+)"?$/.exec(read.etag)?.[1];
    setText(ttl, expiryText(read.expiresAtMs));
    fill(
      root,
      titleOf(read.name, onBack),
      element(
        'div',
        { class: 'key-facts' },
        element('span', { class: 'badge badge--accent', 'data-part': 'kind', text: kind }),
        element('span', { class: 'badge', text: sizeText(read.valueBytes) }),
        ttl,
        read.contentType !== '' &&
          element('span', { class: 'badge', title: 'Content-Type', text: lineOf(read.contentType, 80) }),
        version !== undefined && element('span', { class: 'badge', text: `version ${version}` }),
        read.facts.memoryBytes !== null &&
          element('span', { class: 'badge', text: `${formatBytes(read.facts.memoryBytes)} of memory` }),
      ),
      element(
        'div',
        { class: 'key-tools' },
        choice,
        ...readTools(read, isWhole, again),
        ...writeTools(read, kind, isWhole, again),
      ),
      isWhole
        ? null
        : element('p', {
            class: 'muted',
            text: `The first ${formatBytes(read.bytes.length)} of ${formatBytes(read.valueBytes)}.`,
          }),
      frame,
    );
  };

  /**
   * @param {Entry} read
   * @param {import('./value-kind.js').ValueKind} kind
   * @param {boolean} isWhole
   * @param {() => void} again
   */
  const writeTools = (read, kind, isWhole, again) => {
    if (!mayWrite()) return [];
    const mayEdit = isWhole && kind !== 'bytes';
    const mayExpire = isWhole || isText(read.name);
    return [
      element('span', { class: 'key-tools-gap' }),
      button('Edit', () => openEditDialog(store, read, kind, again), {
        disabled: !mayEdit,
        title: mayEdit ? null : 'Bytes, and values that are not shown whole, cannot be edited here',
      }),
      button('Expiry', () => openExpiryDialog(store, read, again), { disabled: !mayExpire }),
      button('Delete', () => openDeleteDialog(store, read, gone), { class: 'button button--small button--danger' }),
    ];
  };

  const gone = () => {
    close();
    onGone();
  };

  /**
   * @param {KeyName} name
   * @param {string} text
   */
  const say = (name, text) => {
    fill(root, titleOf(name, onBack), element('p', { class: 'empty', text: lineOf(text, 400) }));
  };

  close();
  return {
    root,
    open,
    close,
    /** @returns {KeyName | null} */
    get shown() {
      return shown;
    },
  };
}

/**
 * @param {KeyName} name
 * @param {() => void} onBack
 */
function titleOf(name, onBack) {
  return element(
    'div',
    { class: 'key-title' },
    button('← Keys', onBack, { class: 'button button--small key-back' }),
    element('h3', { class: 'mono', title: lineOf(name.key, 2000), text: lineOf(name.key, 400) }),
  );
}

/**
 * @param {Entry} entry
 * @param {boolean} isWhole
 * @param {() => void} again
 */
function readTools({ bytes, name }, isWhole, again) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }));
    element('a', { href: url, download: name.key.replace(/[^\w.-]/g, '_').slice(0, 80) || 'value' }).click();
    URL.revokeObjectURL(url);
  };
  return [button('Reload', again), button('Save to file', save, { disabled: !isWhole })];
}

/**
 * @param {Entry} entry
 * @param {boolean} isWhole
 */
function kindOf({ contentType, bytes, facts }, isWhole) {
  const kind = valueKind(contentType, bytes, isWhole);
  // A JSON document that is but a number is told from a number by the node alone.
  return facts.type === 'json' && kind === 'number' ? 'json' : kind;
}

/** @param {number | null} expiresAtMs */
function expiryText(expiresAtMs) {
  if (expiresAtMs === null) return 'does not expire';
  const leftMs = expiresAtMs - Date.now();
  return leftMs <= 0 ? 'expired' : `expires in ${formatDuration(Math.ceil(leftMs / 1000) * 1000)}`;
}

/** @param {number} bytes */
function sizeText(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${formatBytes(bytes)} (${formatWhole(bytes)} B)`;
}

/** @param {KeyName} name */
function unnameable(name) {
  if (name.shortened === true) return 'This key is too long to be told whole, so it cannot be opened here.';
  return 'No address can name this key; use the command line.';
}

/**
 * @param {string} text
 * @param {() => void} onClick
 * @param {Readonly<Record<string, unknown>>} [properties]
 */
function button(text, onClick, properties = {}) {
  return element('button', {
    type: 'button',
    class: 'button button--small',
    text,
    on: { click: onClick },
    ...properties,
  });
}
