/** @import { KeyName } from '../feed.ts' */
/** @import { KeyFacts, KeyStore } from './key-store.js' */
import { DataTable, textCell } from './data-table.js';
import { element, setText } from './element.js';
import { formatBytes, formatLeft } from './format.js';
import { addressOfKey, isSameKey, lineOf } from './key-text.js';
import { isPattern, searchPatterns } from './search-patterns.js';

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
 * @param {readonly string[] | null} keyPatterns of the user; null: all keys are his
 * @param {(name: KeyName) => void} onChoose
 */
export function createKeySearch(store, keyPatterns, onChoose) {
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
  /** The pattern that is being looked for, and those to come. @type {string[]} */
  let patterns = [];
  let cursor = '';
  let isOfAll = false;
  let running = new AbortController();

  const begin = async () => {
    found = [];
    cursor = '';
    const text = input.value.trim();
    patterns = searchPatterns(text, keyPatterns);
    isOfAll = text === '';
    running.abort();
    running = new AbortController();
    const { signal } = running;
    table.update([]);
    more.hidden = true;
    setText(status, 'Searching…');
    // A name that was typed whole is there at once, however many keys there are, and for users who may not see all.
    if (text !== '' && !isPattern(text)) await take([{ key: text }], signal, true);
    await goOn(signal);
  };

  /** @param {AbortSignal} signal */
  const goOn = async (signal) => {
    const wanted = found.length + PAGE_KEYS;
    const deadlineMs = performance.now() + PAGE_MS;
    more.hidden = true;
    try {
      for (let pattern = patterns[0]; pattern !== undefined; pattern = patterns[0]) {
        if (found.length >= wanted || performance.now() >= deadlineMs) break;
        const page = await store.list(pattern, cursor, pattern === '' ? PAGE_KEYS : COUNT, signal);
        if (signal.aborted) return;
        cursor = page.cursor ?? '';
        if (page.cursor === null) patterns.shift();
        await take(page.keys, signal);
        setText(status, `${countedKeys(found.length)} so far…`);
      }
      setText(status, statusText(found.length, patterns.length > 0, isOfAll));
      more.hidden = patterns.length === 0 || found.length >= ROWS_MAX;
    } catch (error) {
      if (signal.aborted) return;
      setText(status, error instanceof Error ? lineOf(error.message, 300) : String(error));
    }
  };

  /**
   * @param {readonly KeyName[]} names
   * @param {AbortSignal} signal
   * @param {boolean} [isGuess] whether nobody has said yet that there are such keys
   */
  const take = async (names, signal, isGuess = false) => {
    const fresh = names.filter((name) => !found.some((each) => isSameKey(name, each.name)));
    const facts = await factsOf(fresh, signal);
    if (signal.aborted) return;
    for (const [at, name] of fresh.entries()) {
      const described = facts === null ? null : (facts[at] ?? null);
      // Gone since it was listed, or never there.
      if (facts !== null && described === null) continue;
      // Nor is one there that the user may not ask about.
      if (isGuess && (described?.type ?? null) === null) continue;
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
  return facts.ttlMs === null ? '–' : formatLeft(facts.ttlMs);
}

/**
 * @param {number} count
 * @param {boolean} hasMore
 * @param {boolean} isOfAll
 */
function statusText(count, hasMore, isOfAll) {
  if (hasMore) return `${countedKeys(count)}; there may be more.`;
  if (count === 0) return isOfAll ? 'No keys yet.' : 'No such keys.';
  return isOfAll ? `${countedKeys(count)}, which is all.` : `${countedKeys(count)} found.`;
}

/** @param {number} count */
function countedKeys(count) {
  return count === 1 ? '1 key' : `${count} keys`;
}
