import type {
  AccessNews,
  ClusterNews,
  Failover,
  Happening,
  Health,
  Hello,
  NewsEvent,
  Sample,
  SlowCommand,
} from './news.ts';
import type { Sort } from './table.ts';

/** Five minutes, as the node itself keeps them. */
const SAMPLES_MAX = 300;

/** What is known of a node; null: nothing yet. */
export interface Known {
  readonly hello: Hello | null;
  /** The oldest first. */
  readonly samples: readonly Sample[];
  readonly health: Health | null;
  readonly cluster: ClusterNews | null;
  readonly failovers: readonly Failover[];
  readonly happenings: readonly Happening[];
  readonly access: AccessNews | null;
  readonly slow: readonly SlowCommand[];
}

/** How a node is asked: `missing` says what it cannot tell this way, in a sentence; '' when it tells everything. */
export interface Source {
  readonly address: string;
  readonly way: 'HTTP' | 'RESP';
  readonly missing: string;
}

export type Link =
  | { readonly kind: 'connecting'; readonly address: string }
  | { readonly kind: 'open'; readonly source: Source }
  | { readonly kind: 'lost'; readonly reason: string; readonly retryAtMs: number };

export const viewNames = ['overview', 'commands', 'shards', 'keys', 'slow', 'cluster', 'events'] as const;
export type ViewName = (typeof viewNames)[number];

export interface TopState {
  readonly link: Link;
  readonly known: Known;
  /** What is shown while the screen stands still; null: what is known. */
  readonly frozen: Known | null;
  readonly view: ViewName;
  /** By view, how its first table is sorted; left out: as the node tells it. */
  readonly sorts: Readonly<Partial<Record<ViewName, Sort>>>;
  /** The marked row of the view's first table. */
  readonly cursor: number;
  readonly isHelp: boolean;
}

const nothingKnown: Known = {
  hello: null,
  samples: [],
  health: null,
  cluster: null,
  failovers: [],
  happenings: [],
  access: null,
  slow: [],
};

export function initialState(address: string): TopState {
  return {
    link: { kind: 'connecting', address },
    known: nothingKnown,
    frozen: null,
    view: 'overview',
    sorts: {},
    cursor: 0,
    isHelp: false,
  };
}

export function shownOf({ known, frozen }: TopState): Known {
  return frozen ?? known;
}

/** `open -> lost`, `lost -> open` and so on; what is known stays until a node tells something else. */
export function withLink(state: TopState, link: Link): TopState {
  return { ...state, link };
}

export function withNews(state: TopState, event: NewsEvent): TopState {
  return { ...state, known: knownAfter(state.known, event) };
}

function knownAfter(known: Known, event: NewsEvent): Known {
  switch (event.name) {
    case 'hello':
      // The beginning of a stream, maybe of another node, or of one that was started again: nothing of before holds.
      return { ...nothingKnown, hello: event.value };
    case 'history':
      return { ...known, samples: event.value.slice(-SAMPLES_MAX) };
    case 'sample':
      return { ...known, samples: [...known.samples.slice(1 - SAMPLES_MAX), event.value] };
    case 'health':
      return { ...known, health: event.value };
    case 'cluster':
      return { ...known, cluster: event.value };
    case 'failovers':
      return { ...known, failovers: event.value };
    case 'happenings':
      return { ...known, happenings: event.value };
    case 'access':
      return { ...known, access: event.value };
    case 'slow':
      return { ...known, slow: event.value };
  }
}
