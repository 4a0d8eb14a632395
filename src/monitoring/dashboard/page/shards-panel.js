/** @import { ShardSample } from '../feed.ts' */
/** @import { PanelContext } from './panels.js' */
import { createBar } from './bar.js';
import { createCard } from './card.js';
import { element, setText } from './element.js';
import { formatBytes, formatNumber, formatShare, formatWhole } from './format.js';
import { painter } from './painter.js';

const BUSY_WARN = 0.7;
const BUSY_BAD = 0.9;

/**
 * How the node's shards share its work.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createShardsPanel(root, { samples }) {
  const { card, note, body } = createCard(root, { title: 'Shards', span: 12, name: 'shards' });
  const rows = element('tbody');
  body.append(
    element(
      'div',
      { class: 'table-frame' },
      element(
        'table',
        { class: 'table shards' },
        element(
          'thead',
          {},
          element(
            'tr',
            {},
            element('th', { text: 'Shard', scope: 'col' }),
            element('th', {
              text: 'Busy',
              scope: 'col',
              title: 'Share of the time in which its thread was not asleep',
            }),
            element('th', {
              text: 'Reads/s',
              scope: 'col',
              class: 'number',
              title: 'Lookups that front ends made in its memory',
            }),
            element('th', { text: 'Commands/s', scope: 'col', class: 'number', title: 'Commands that its thread ran' }),
            element('th', { text: 'Waiting', scope: 'col', class: 'number', title: 'Commands not yet answered' }),
            element('th', { text: 'Keys', scope: 'col', class: 'number' }),
            element('th', { text: 'Memory', scope: 'col' }),
            element('th', { text: 'Restarts', scope: 'col', class: 'number' }),
          ),
        ),
        rows,
      ),
    ),
  );
  /** @type {ReturnType<typeof createRow>[]} */
  const shown = [];
  const repaint = painter(card, () => {
    const shards = samples.latest?.shards ?? [];
    while (shown.length < shards.length) {
      const row = createRow(shown.length);
      shown.push(row);
      rows.append(row.root);
    }
    for (const row of shown.splice(shards.length)) row.root.remove();
    const readsMax = Math.max(1, ...shards.map(({ reads }) => reads));
    const commandsMax = Math.max(1, ...shards.map(({ commands }) => commands));
    for (const [index, shard] of shards.entries()) shown[index]?.paint(shard, readsMax, commandsMax);
    setText(note, imbalance(shards));
  });
  samples.onChange(repaint);
  repaint();
}

/** @param {number} index */
function createRow(index) {
  const state = element('span', { class: 'dot' });
  const busy = createMeasure();
  const reads = createMeasure();
  const commands = createMeasure();
  const waiting = element('td', { class: 'number' });
  const keys = element('td', { class: 'number' });
  const memory = createMeasure();
  const restarts = element('td', { class: 'number' });
  const stateText = element('span', { class: 'unseen' });
  const root = element(
    'tr',
    {},
    element('td', { class: 'nowrap' }, element('span', { class: 'shard-name' }, state, String(index), stateText)),
    busy.root,
    reads.root,
    commands.root,
    waiting,
    keys,
    memory.root,
    restarts,
  );
  /**
   * @param {ShardSample} shard
   * @param {number} readsMax
   * @param {number} commandsMax
   */
  const paint = (shard, readsMax, commandsMax) => {
    state.className = `dot dot--${shard.isServing ? 'ok' : 'bad'}`;
    setText(stateText, shard.isServing ? 'serving' : 'being restarted');
    state.title = shard.isServing ? 'serving' : 'being restarted';
    const tone = shard.busy > BUSY_BAD ? 'bad' : shard.busy > BUSY_WARN ? 'warn' : '';
    busy.paint(formatShare(shard.busy), shard.busy, tone);
    reads.paint(formatNumber(shard.reads), shard.reads / readsMax);
    commands.paint(formatNumber(shard.commands), shard.commands / commandsMax);
    setText(waiting, formatWhole(shard.mailboxDepth));
    setText(keys, formatWhole(shard.keys));
    memory.paint(
      `${formatBytes(shard.usedBytes)} of ${formatBytes(shard.budgetBytes)}`,
      shard.usedBytes / shard.budgetBytes,
    );
    setText(restarts, formatWhole(shard.restarts));
    restarts.classList.toggle('is-warning', shard.restarts > 0);
  };
  return { root, paint };
}

/** A cell of a bar with its figure. */
function createMeasure() {
  const bar = createBar();
  const figure = element('span', { class: 'measure-figure' });
  const root = element('td', {}, element('div', { class: 'measure' }, bar.root, figure));
  /**
   * @param {string} text
   * @param {number} share
   * @param {'' | 'warn' | 'bad'} [tone]
   */
  const paint = (text, share, tone = '') => {
    setText(figure, text);
    bar.set(share, tone);
  };
  return { root, paint };
}

/** @param {readonly ShardSample[]} shards */
function imbalance(shards) {
  const loads = shards.map(({ reads, commands }) => reads + commands);
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  const threads = `${shards.length} ${shards.length === 1 ? 'thread' : 'threads'}`;
  if (shards.length < 2 || !(mean > 10)) return threads;
  const above = Math.max(...loads) / mean - 1;
  return above < 0.05 ? `${threads}, evenly loaded` : `${threads}, the busiest ${formatShare(above)} above the mean`;
}
