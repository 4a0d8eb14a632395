/** @import { ClusterNews } from '../feed.ts' */
/** @import { NodeRow } from './node-rows.js' */
/** @import { PanelContext } from './panels.js' */
import { createCard } from './card.js';
import { barCell, DataTable, textCell } from './data-table.js';
import { element, fill, setText } from './element.js';
import { figure } from './figure.js';
import { formatBytes, formatDuration, formatNumber, formatShare, formatWhole } from './format.js';
import { lineOf } from './key-text.js';
import { nodeRows } from './node-rows.js';
import { owners } from './owners.js';
import { painter } from './painter.js';
import { RebalanceProgress } from './rebalance-progress.js';

/**
 * The cluster in figures, how far a rebalancing is, and its nodes. What the cluster lacks is said above every view.
 *
 * @param {HTMLElement} root
 * @param {PanelContext} context
 */
export function createClusterPanel(root, { feed }) {
  createSummary(root, feed);
  const { card, note, body } = createCard(root, { title: 'Nodes', name: 'nodes' });
  const table = nodesTable();
  body.append(table.root);
  const repaint = painter(card, () => {
    const news = feed.last('cluster');
    if (news === undefined) return;
    const silent = (feed.last('failovers') ?? []).filter(({ fencedAtMs }) => fencedAtMs === null);
    const suspects = new Set(silent.map(({ node }) => node));
    const rows = nodeRows(news, feed.last('sample') ?? null, suspects, Date.now());
    setText(note, 'as each tells it once a second');
    table.update(rows);
  });
  feed.on('cluster', (news) => {
    owners.learn(news.report.nodes.map(({ id }) => id));
    repaint();
  });
}

/**
 * @param {HTMLElement} root
 * @param {PanelContext['feed']} feed
 */
function createSummary(root, feed) {
  const { card, note, body } = createCard(root, { title: 'Cluster', name: 'cluster' });
  const figures = element('dl', { class: 'figures' });
  const label = element('span', { class: 'progress-text' });
  const bar = element('span', { class: 'bar-fill' });
  const moving = element(
    'div',
    { class: 'progress', 'data-part': 'rebalance' },
    label,
    element('span', { class: 'bar' }, bar),
  );
  body.append(figures, moving);
  const progress = new RebalanceProgress();
  /** @type {ReturnType<RebalanceProgress['observe']>} */
  let state = null;
  const repaint = painter(card, () => {
    const news = feed.last('cluster');
    if (news === undefined) return;
    setText(note, clusterNote(news));
    fill(figures, ...summaryFigures(news));
    moving.hidden = state === null;
    if (state === null) return;
    const left = state.leftMs === null ? '' : `, about ${formatDuration(state.leftMs)} left`;
    setText(label, `Rebalancing: ${state.done} of ${state.total} copies moved${left}`);
    bar.parentElement?.style.setProperty('--share', String(state.share));
  });
  feed.on('cluster', ({ report }) => {
    // Also while nobody looks: the most that was left is only seen at the beginning.
    state = progress.observe(report.rebalance, Date.now());
    repaint();
  });
}

/** @param {ClusterNews} news */
function clusterNote({ report: { clusterId, leader, term, settings } }) {
  const parts = [clusterId === '' ? 'not formed yet' : clusterId.slice(0, 12)];
  parts.push(leader === null ? 'no leader known' : `led by ${lineOf(leader, 60)} in term ${term}`);
  if (settings !== null) {
    const { copies, minInSync, onLoss } = settings;
    parts.push(`${copies} ${copies === 1 ? 'copy' : 'copies'}, ${minInSync} in sync needed to write`);
    parts.push(`when all copies are lost: ${onLoss}`);
  }
  return parts.join(' · ');
}

/** @param {ClusterNews} news */
function summaryFigures({ report }) {
  const { partitions, nodes, leaseLeftMs } = report;
  const up = nodes.filter(({ health }) => health === 'up').length;
  return [
    figure('Nodes up', `${up} of ${nodes.length}`, up < nodes.length ? 'bad' : ''),
    figure(
      'Partitions online',
      `${formatWhole(partitions.online)} of ${formatWhole(partitions.total)}`,
      partitions.offline > 0 ? 'bad' : '',
    ),
    figure(
      'With too few copies',
      formatWhole(partitions.underReplicated),
      partitions.underReplicated > 0 ? 'warn' : '',
      'Partitions with fewer copies in sync than the cluster is to keep',
    ),
    figure('To be moved', formatWhole(partitions.misplaced), '', 'Partitions that are not where they belong yet'),
    figure(
      'Begun empty',
      formatWhole(partitions.losses),
      partitions.losses > 0 ? 'warn' : '',
      'How often a partition had to begin without its keys, as no copy of it was left',
    ),
    figure(
      'Lease left',
      formatDuration(leaseLeftMs === null ? null : Math.round(leaseLeftMs)),
      leaseLeftMs === null ? 'bad' : '',
      'How long this node may still serve without hearing of the others; renewed all the time',
    ),
  ];
}

/** @returns {DataTable<NodeRow>} */
function nodesTable() {
  return new DataTable({
    name: 'Nodes',
    empty: 'The node is in no cluster yet.',
    keyOf: ({ id }) => id,
    isStacked: true,
    columns: [
      { title: 'Node', kind: 'wide', sort: ({ id }) => id, paint: paintNode },
      { title: 'Health', paint: paintHealth, sort: ({ health }) => health },
      { title: 'Primaries', kind: 'number', paint: textCell(({ primaries }) => formatWhole(primaries)) },
      {
        title: 'Replicas',
        kind: 'number',
        hint: 'Copies in sync beside those it is primary of, and copies that are still being filled',
        paint: textCell(({ replicas, filling, isAway }) =>
          filling > 0 && !isAway ? `${formatWhole(replicas)} + ${formatWhole(filling)} filling` : formatWhole(replicas),
        ),
      },
      {
        title: 'Lag',
        kind: 'number',
        hint: 'Writes of this node that the copies on that one have not confirmed yet; in the line of this node, how old its own copies are, above half a second',
        paint: textCell(({ lag }) => lag),
      },
      {
        title: 'Commands',
        kind: 'number',
        sort: ({ load }) => load?.commands ?? null,
        paint: textCell(({ load }) => perSecond(load?.commands)),
      },
      {
        title: 'Hits',
        kind: 'number',
        sort: ({ hitRatio }) => hitRatio,
        paint: textCell(({ hitRatio }) => formatShare(hitRatio)),
      },
      {
        title: 'p99',
        kind: 'number',
        sort: ({ load }) => load?.p99Ms ?? null,
        paint: textCell(({ load }) => formatDuration(load?.p99Ms)),
      },
      {
        title: 'Memory',
        kind: 'number',
        sort: ({ memory }) => memory,
        paint: barCell(
          ({ load }) => (load === null ? '–' : `${formatBytes(load.usedBytes)} of ${formatBytes(load.budgetBytes)}`),
          ({ memory }) => memory,
        ),
      },
      {
        title: 'Keys',
        kind: 'number',
        sort: ({ load }) => load?.keys ?? null,
        paint: textCell(({ load }) => formatNumber(load?.keys)),
      },
      { title: 'Conns', kind: 'number', paint: textCell(({ load }) => formatWhole(load?.connections)) },
      {
        title: 'CPU',
        kind: 'number',
        hint: 'Processors in use by the whole process',
        paint: textCell(({ load }) => formatNumber(load?.processors)),
      },
      {
        title: 'Loop',
        kind: 'number',
        hint: 'The longest delay of the event loop in the last second',
        paint: textCell(({ load }) => formatDuration(load?.eventLoopMaxMs)),
      },
    ],
  });
}

/** @param {number | undefined} rate */
function perSecond(rate) {
  return rate === undefined ? '–' : `${formatNumber(rate)}/s`;
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {NodeRow} row
 */
function paintNode(cell, row) {
  const name = lineOf(row.id, 60);
  const dot = element('span', { class: 'owner', style: { '--owner': owners.colorOf(row.id) } });
  // Another node's page: a link that is followed only when somebody does.
  const link =
    row.isSelf || row.http === ''
      ? element('strong', { text: name })
      : element('a', { href: `${location.protocol}//${row.http}/`, rel: 'noreferrer', text: name });
  const marks = row.marks.map((mark) => element('span', { class: 'badge badge--small', text: mark }));
  const first = element('span', { class: 'node-name' }, dot, link, ...marks);
  const second = element('span', { class: 'node-note', text: row.note });
  const wanted = element('div', {}, first, second);
  if (cell.firstElementChild?.isEqualNode(wanted) !== true) fill(cell, wanted);
}

/**
 * @param {HTMLTableCellElement} cell
 * @param {NodeRow} row
 */
function paintHealth(cell, { health, level, stale }) {
  cell.parentElement?.classList.toggle('stale', stale !== '');
  const wanted = element('span', { class: `badge badge--${level}`, text: health });
  const note = stale === '' ? null : element('span', { class: 'node-note', text: stale });
  const both = element('div', {}, wanted, note);
  if (cell.firstElementChild?.isEqualNode(both) !== true) fill(cell, both);
}
