/** @import { HotKey } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { barCell, DataTable, textCell } from './data-table.js';
import { setText } from './element.js';
import { formatNumber, formatShare } from './format.js';
import { keyCell } from './key-link.js';
import { painter } from './painter.js';

/**
 * The keys that are looked up most.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createHotKeysPanel(root, { feed, open }) {
  const { card, note, body } = createCard(root, { title: 'Hot keys', span: 6, name: 'hot-keys' });
  setText(note, 'most looked up on this node, estimated');
  /** @type {DataTable<HotKey>} */
  const table = new DataTable({
    name: 'Hot keys',
    empty: 'Too few lookups to say.',
    keyOf: ({ key, key64 = '' }) => `${key64} ${key}`,
    columns: [
      { title: 'Key', kind: 'wide', paint: keyCell(open) },
      { title: 'Reads', kind: 'number', paint: textCell(({ reads }) => `${formatNumber(reads)}/s`) },
      {
        title: 'Share',
        kind: 'number',
        hint: 'Of all lookups',
        paint: barCell(
          ({ share }) => formatShare(share),
          ({ share }) => share,
        ),
      },
    ],
  });
  body.append(table.root);
  const repaint = painter(card, () => table.update(feed.last('access')?.hot ?? []));
  feed.on('access', repaint);
}
