/** @import { PanelContext } from './panels.js' */
/** @import { PrefixRow } from './prefix-rows.js' */
import { createCard } from './card.js';
import { barCell, DataTable, textCell } from './data-table.js';
import { element, setText } from './element.js';
import { formatBytes, formatNumber, formatShare } from './format.js';
import { escapedPattern } from './key-search.js';
import { lineOf } from './key-text.js';
import { analysisNote } from './keyspace-note.js';
import { painter } from './painter.js';
import { prefixRows } from './prefix-rows.js';

/**
 * Lookups, hit ratio and memory by prefix of the keys.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createPrefixesPanel(root, { feed, open }) {
  const { card, note, body } = createCard(root, { title: 'Prefixes', span: 8, name: 'prefixes' });
  const table = prefixTable(open);
  body.append(table.root);
  const repaint = painter(card, () => {
    const keyspace = feed.last('keyspace') ?? null;
    setText(note, `lookups of the last minute, estimated; memory ${analysisNote(keyspace, Date.now())}`);
    table.update(prefixRows(feed.last('access'), keyspace));
  });
  feed.on('access', repaint);
  feed.on('keyspace', repaint);
}

/**
 * @param {PanelContext['open']} open
 * @returns {DataTable<PrefixRow>}
 */
function prefixTable(open) {
  return new DataTable({
    name: 'Prefixes',
    empty: 'No prefixes so far, or your user may not use all keys.',
    keyOf: ({ prefix }) => (prefix === null ? 'other' : `=${prefix}`),
    isStacked: true,
    isLast: ({ prefix }) => prefix === null,
    sorted: { column: 4, isDescending: true },
    columns: [
      { title: 'Prefix', kind: 'wide', sort: ({ prefix }) => prefix, paint: prefixCell(open) },
      {
        title: 'Reads',
        kind: 'number',
        sort: ({ reads }) => reads,
        paint: textCell(({ reads }) => (reads === null ? '–' : `${formatNumber(reads)}/s`)),
      },
      {
        title: 'Hit ratio',
        kind: 'number',
        sort: ({ hitRatio }) => hitRatio,
        paint: barCell(
          ({ hitRatio }) => formatShare(hitRatio),
          ({ hitRatio }) => hitRatio,
          ({ hitRatio }) => (hitRatio !== null && hitRatio < 0.5 ? 'warn' : ''),
        ),
      },
      { title: 'Keys', kind: 'number', sort: ({ keys }) => keys, paint: textCell(({ keys }) => formatNumber(keys)) },
      {
        title: 'Memory',
        kind: 'number',
        sort: ({ bytes }) => bytes,
        paint: textCell(({ bytes }) => formatBytes(bytes)),
      },
      {
        title: 'Of memory',
        kind: 'number',
        sort: ({ share }) => share,
        paint: barCell(
          ({ share }) => formatShare(share),
          ({ share }) => share,
        ),
      },
      {
        title: 'Expiring',
        kind: 'number',
        hint: 'Share of the keys that expire',
        sort: ({ expiring }) => expiring,
        paint: textCell(({ expiring }) => formatShare(expiring)),
      },
    ],
  });
}

/**
 * @param {PanelContext['open']} open
 * @returns {(cell: HTMLTableCellElement, row: PrefixRow) => void}
 */
function prefixCell(open) {
  return (cell, { prefix }) => {
    if (cell.firstChild !== null) return;
    if (prefix === null) {
      cell.append(element('span', { class: 'muted', text: 'all others' }));
      return;
    }
    const view = `keys/m:${encodeURIComponent(`${escapedPattern(prefix)}*`)}`;
    const onClick = (/** @type {Event} */ event) => {
      event.preventDefault();
      open(view);
    };
    const text = lineOf(prefix, 80);
    cell.append(element('a', { class: 'key mono', href: `#${view}`, title: 'Its keys', text, on: { click: onClick } }));
  };
}
