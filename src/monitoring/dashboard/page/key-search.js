/** @import { KeyName } from '../feed.ts' */
/** @import { KeyFacts, KeyStore } from './key-store.js' */
import { DataTable, textCell } from './data-table.js';
import { element, setText } from './element.js';
import { formatBytes, formatDuration } from './format.js';
import { addressOfKey, isSameKey, lineOf } from './key-text.js';

/** Keys looked at by one request; those found that end a search until more are wanted; and the longest it goes on. */
const COUNT = 1000;
const PAGE_KEYS = 100;
const PAGE_MS = 4000;
/** Rows that a list can hold before a browser gets slow. */
const ROWS_MAX = 3000;

/** @typedef {{readonly name: KeyName, readonly facts: KeyFacts | null}} FoundKey */

/**
 * Finds keys by pattern, page by page.
 *
 * @param {KeyStore} store
 * @param {(name: KeyName) => void} onChoose
 */
export function createKeySearch(store, onChoose) {
  const input = element('input', {
    class: 'input',
    type: 'search',
    name: 'pattern',
    placeholder: 'All keys, a part of a name, or a pattern: user:*',
    'aria-label': 'Keys to look for',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
  });
  const submit = element('button', { class: 'button', type: 'submit', text: 'Search' });
  const form = element('form', { class: 'key-search', role: 'search' }, input, submit);
  const status = element('p', { class: 'key-status muted', role: 'status' });
  const more = element('button', { class: 'button button--small', type: 'button', text: 'Look further', hidden: true });
  /** @type {KeyName | null} */
  let chosen = null;
  /** @type {DataTable<FoundKey>} */
  const table = new DataTable({
    name: 'Keys found',
    empty: '',
    keyOf: ({ name }) => addressOfKey(name),
    columns: [
      { title: 'Key', kind: 'wide', paint: (cell, row) => paintKey(cell, row, chosen, onChoose) },
      { title: 'Type', paint: textCell(({ facts, name }) => facts?.type ?? (name.key64 === undefined ? '' : 'bytes')) },
      {
        title: 'Memory',
        kind: 'number',
        sort: ({ facts }) => facts?.memoryBytes ?? null,
        paint: textCell(({ facts }) => (facts === null ? '' : formatBytes(facts.memoryBytes))),
      },
      {
        title: 'TTL',
        kind: 'number',
        sort: ({ facts }) => facts?.ttlMs ?? null,
        paint: textCell(({ facts }) => ttlText(facts)),
      },
    ],
  });
  const root = element('div', { class: 'key-list' }, form, status, table.root, more);

  /** @type {FoundKey[]} */
  let found = [];
  let pattern = '';
  /** @type {string | null} */
  let cursor = '';
  let running = new AbortController();

  const begin = async () => {
    found = [];
    cursor = '';
    const text = input.value.trim();
    pattern = text === '' || isPattern(text) ? text : `*${escapedPattern(text)}*`;
    running.abort();
    running = new AbortController();
    const { signal } = running;
    table.update([]);
    more.hidden = true;
    setText(status, 'Searching…');
    // A name that was typed whole is there at once, however many keys there are, and for users who may not see all.
    if (text !== '' && !isPattern(text)) await take([{ key: text }], signal);
    await goOn(signal);
  };

  /** @param {AbortSignal} signal */
  const goOn = async (signal) => {
    const wanted = found.length + PAGE_KEYS;
    const deadlineMs = performance.now() + PAGE_MS;
    more.hidden = true;
    try {
      while (cursor !== null && found.length < wanted && performance.now() < deadlineMs) {
        const page = await store.list(pattern, cursor, pattern === '' ? PAGE_KEYS : COUNT, signal);
        if (signal.aborted) return;
        cursor = page.cursor;
        await take(page.keys, signal);
        setText(status, statusText(found.length, cursor, true));
      }
      setText(status, statusText(found.length, cursor, false));
      more.hidden = cursor === null || found.length >= ROWS_MAX;
    } catch (error) {
      if (signal.aborted) return;
      setText(status, error instanceof Error ? lineOf(error.message, 300) : String(error));
    }
  };

  /**
   * @param {readonly KeyName[]} names
   * @param {AbortSignal} signal
   */
  const take = async (names, signal) => {
    const fresh = names.filter((name) => !found.some((each) => isSameKey(name, each.name)));
    const facts = await factsOf(fresh, signal);
    if (signal.aborted) return;
    for (const [at, name] of fresh.entries()) {
      const described = facts === null ? null : (facts[at] ?? null);
      // Gone since it was listed, or never there.
      if (facts !== null && described === null) continue;
      found.push({ name, facts: described });
    }
    table.update(found);
  };

  /**
   * @param {readonly KeyName[]} names
   * @param {AbortSignal} signal
   */
  const factsOf = async (names, signal) => {
    try {
      return await store.describe(names, signal);
    } catch {
      return null;
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void begin();
  });
  more.addEventListener('click', () => void goOn(running.signal));

  return {
    root,
    /** @param {string} text */
    search: (text) => {
      input.value = text;
      void begin();
    },
    /** Looks once more for what was looked for last. */
    again: () => void begin(),
    /** @param {KeyName | null} name */
    mark: (name) => {
      chosen = name;
      table.update(found);
    },
  };
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {FoundKey} row
 * @param {KeyName | null} chosen
 * @param {(name: KeyName) => void} onChoose
 */
function paintKey(cell, { name }, chosen, onChoose) {
  const isChosen = isSameKey(name, chosen);
  cell.parentElement?.classList.toggle('chosen', isChosen);
  if (cell.firstChild !== null) return;
  cell.append(
    element('button', {
      type: 'button',
      class: 'key-choice mono',
      title: lineOf(name.key, 2000),
      text: lineOf(name.key, 100),
      on: { click: () => onChoose(name) },
    }),
  );
}

/** @param {KeyFacts | null} facts */
function ttlText(facts) {
  if (facts === null) return '';
  return facts.ttlMs === null ? '–' : formatDuration(Math.ceil(facts.ttlMs / 1000) * 1000);
}

/**
 * @param {number} count
 * @param {string | null} cursor
 * @param {boolean} isRunning
 */
function statusText(count, cursor, isRunning) {
  const keys = count === 1 ? '1 key' : `${count} keys`;
  if (isRunning) return `${keys} so far…`;
  if (cursor !== null) return `${keys}; there may be more.`;
  return count === 0 ? 'No such keys.' : `${keys}, which is all.`;
}

/** @param {string} text */
function isPattern(text) {
  return /[*?[\]\\]/.test(text);
}

/**
 * A pattern that matches just this text.
 *
 * @param {string} text
 */
export function escapedPattern(text) {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}
