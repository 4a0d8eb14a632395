/** @import { Hello } from '../feed.ts' */
/** @import { Api } from './api.js' */
/** @import { Feed } from './feed.js' */
/** @import { SampleHistory } from './sample-history.js' */
/** @import { Theme } from './theme.js' */
/** @import { TimeView } from './time-view.js' */
import { createChartsPanel } from './charts-panel.js';
import { createClusterPanel } from './cluster-panel.js';
import { createCurvePanel } from './curve-panel.js';
import { createDiskPanel } from './disk-panel.js';
import { createFailoversPanel } from './failovers-panel.js';
import { createHappeningsPanel } from './happenings-panel.js';
import { createHotKeysPanel } from './hot-keys-panel.js';
import { createKeysPanel } from './keys-panel.js';
import { createLargestKeysPanel } from './largest-keys-panel.js';
import { createPartitionsPanel } from './partitions-panel.js';
import { createPrefixesPanel } from './prefixes-panel.js';
import { createShardsPanel } from './shards-panel.js';
import { createSlowPanel } from './slow-panel.js';
import { createTilesPanel } from './tiles-panel.js';

/**
 * @typedef {object} PanelContext what a panel may use
 * @property {Feed} feed `on(name, listener)`, `last(name)`: what the node streams
 * @property {Api} api the node's HTTP interface as the user of the page
 * @property {SampleHistory} samples those of the last half hour
 * @property {TimeView} time which part of them charts show; whether they stand still
 * @property {Theme} theme `onChange`: canvases are to be painted in other colours
 * @property {(view: string) => void} open shows a view
 */

/**
 * @typedef {(root: HTMLElement, context: PanelContext) => void} CreatePanel
 * Adds its cards to the view (`createCard` of card.js), listens to the feed, and paints through `painter`. It is called
 * once, after `hello`.
 */

/**
 * @typedef {object} View
 * @property {string} name in the address: `#name`
 * @property {string} title
 * @property {readonly CreatePanel[]} panels
 * @property {(hello: Hello) => boolean} [isFor] whether this node and this user have it; left out: all
 */

/** @type {readonly View[]} */
export const views = [
  {
    name: 'overview',
    title: 'Overview',
    panels: [createTilesPanel, createChartsPanel, createShardsPanel, createDiskPanel],
  },
  {
    name: 'cluster',
    title: 'Cluster',
    panels: [createClusterPanel, createPartitionsPanel, createFailoversPanel, createHappeningsPanel],
    isFor: ({ isInCluster }) => isInCluster,
  },
  {
    name: 'access',
    title: 'Access',
    panels: [createCurvePanel, createHotKeysPanel, createPrefixesPanel, createLargestKeysPanel],
    isFor: ({ user }) => user.rights.includes('read'),
  },
  {
    name: 'keys',
    title: 'Keys',
    panels: [createKeysPanel],
    isFor: ({ user }) => user.rights.includes('read'),
  },
  { name: 'slow', title: 'Slow log', panels: [createSlowPanel], isFor: ({ user }) => user.rights.includes('admin') },
];
