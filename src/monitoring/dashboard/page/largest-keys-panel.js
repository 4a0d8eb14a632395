/** @import { LargeKey } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { DataTable, textCell } from './data-table.js';
import { element, fill, setText } from './element.js';
import { formatBytes, formatDuration, formatShare } from './format.js';
import { keyCell } from './key-link.js';
import { lineOf } from './key-text.js';
import { analysisNote } from './keyspace-note.js';
import { painter } from './painter.js';

/**
 * The largest keys that were met, and how many keys are of which type.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createLargestKeysPanel(root, { feed, open }) {
  const { card, note, body } = createCard(root, { title: 'Largest keys', span: 4, name: 'largest-keys' });
  const types = element('div', { class: 'types' });
  /** @type {DataTable<LargeKey>} */
  const table = new DataTable({
    name: 'Largest keys',
    empty: 'No keys were looked at yet.',
    keyOf: ({ key, key64 = '' }) => `${key64} ${key}`,
    columns: [
      { title: 'Key', kind: 'wide', paint: keyCell(open) },
      { title: 'Type', paint: textCell(({ type }) => lineOf(type, 20)) },
      { title: 'Memory', kind: 'number', paint: textCell(({ bytes }) => formatBytes(bytes)) },
      {
        title: 'Expires',
        kind: 'number',
        paint: textCell(({ expiresAtMs }) => expiryText(expiresAtMs, Date.now())),
      },
    ],
  });
  body.append(types, table.root);
  const repaint = painter(card, () => {
    const news = feed.last('keyspace') ?? null;
    setText(note, analysisNote(news, Date.now()));
    table.update(news?.largest ?? []);
    fill(types, ...typeChips(news?.types ?? {}));
  });
  feed.on('keyspace', repaint);
}

/** @param {Readonly<Record<string, number>>} types */
function typeChips(types) {
  return Object.entries(types)
    .sort(([, one], [, other]) => other - one)
    .map(([type, share]) =>
      element('span', { class: 'badge' }, lineOf(type, 20), element('strong', { text: formatShare(share) })),
    );
}

/**
 * @param {number | null} expiresAtMs
 * @param {number} nowMs
 */
function expiryText(expiresAtMs, nowMs) {
  if (expiresAtMs === null) return 'never';
  const leftMs = expiresAtMs - nowMs;
  return leftMs <= 0 ? 'now' : `in ${formatDuration(Math.ceil(leftMs / 1000) * 1000)}`;
}
