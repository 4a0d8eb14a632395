import { nodeRows, nodeTable } from './cluster-tables.ts';
import { shownOf, type TopState, type ViewName, viewNames } from './state.ts';
import { type Section, type Sort, sorted } from './table.ts';
import { sectionsOf } from './views.ts';

/** A key that was pressed: as node:readline names it, and the text that it is. */
export interface Key {
  readonly name: string;
  readonly text: string;
  readonly isCtrl: boolean;
}

/** What is to be done besides drawing. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'redraw' }
  | { readonly kind: 'retry' }
  /** Look at another node of the cluster. */
  | { readonly kind: 'visit'; readonly tcp: string; readonly http: string };

export const keyHelp: readonly (readonly [key: string, does: string])[] = [
  ['q, Ctrl-C', 'quit'],
  ['1 to 7', `${viewNames.join(', ')}`],
  ['Tab, Right', 'the next of them; Shift-Tab and Left: the one before'],
  ['p, Space', 'stand still, and go on'],
  ['s, S', 'sort by the next column, or the one before'],
  ['r', 'sort from the other end'],
  ['Up, Down', 'walk through the rows; PgUp, PgDn, Home and End, too'],
  ['Enter', 'of the cluster: look at the marked node; while the node is lost: try again now'],
  ['Ctrl-L', 'draw the screen anew'],
  ['?, h', 'this'],
];

const PAGE_ROWS = 10;
const none: Action = { kind: 'none' };

/** What a key makes of the screen. */
export function pressed(
  state: TopState,
  key: Key,
  nowMs: number,
): { readonly state: TopState; readonly action: Action } {
  const stay = (next: TopState) => ({ state: next, action: none });
  const act = (action: Action) => ({ state, action });
  if (key.isCtrl) {
    switch (key.name) {
      case 'c':
      case 'd':
        return act({ kind: 'quit' });
      case 'z':
        return act({ kind: 'suspend' });
      case 'l':
        return act({ kind: 'redraw' });
      default:
        return act(none);
    }
  }
  const digit = /^[1-9]$/.test(key.text) ? viewNames[Number(key.text) - 1] : undefined;
  if (digit !== undefined) return stay(inView(state, digit));
  switch (key.text) {
    case 'q':
    case 'Q':
      return act({ kind: 'quit' });
    case '?':
    case 'h':
      return stay({ ...state, isHelp: !state.isHelp });
    case 'p':
    case ' ':
      return stay({ ...state, frozen: state.frozen === null ? state.known : null });
    case 's':
      return stay(sortedByNext(state, 1, nowMs));
    case 'S':
      return stay(sortedByNext(state, -1, nowMs));
    case 'r':
      return stay(reversed(state, nowMs));
  }
  switch (key.name) {
    case 'escape':
      return stay({ ...state, isHelp: false });
    case 'tab':
    case 'right':
      return stay(inView(state, neighbour(state.view, 1)));
    case 'backtab':
    case 'left':
      return stay(inView(state, neighbour(state.view, -1)));
    case 'up':
      return stay(walked(state, -1, nowMs));
    case 'down':
      return stay(walked(state, 1, nowMs));
    case 'pageup':
      return stay(walked(state, -PAGE_ROWS, nowMs));
    case 'pagedown':
      return stay(walked(state, PAGE_ROWS, nowMs));
    case 'home':
      return stay({ ...state, cursor: 0 });
    case 'end':
      return stay(walked(state, Number.MAX_SAFE_INTEGER, nowMs));
    case 'return':
    case 'enter':
      return act(entered(state, nowMs));
    default:
      return act(none);
  }
}

function inView(state: TopState, view: ViewName): TopState {
  return view === state.view ? { ...state, isHelp: false } : { ...state, view, cursor: 0, isHelp: false };
}

function neighbour(view: ViewName, step: 1 | -1): ViewName {
  const { length } = viewNames;
  return viewNames[(viewNames.indexOf(view) + step + length) % length] ?? view;
}

function firstSection(state: TopState, nowMs: number): Section | undefined {
  return sectionsOf(state.view, shownOf(state), state.link, nowMs)[0];
}

function withSort(state: TopState, sort: Sort | null): TopState {
  const { [state.view]: _, ...others } = state.sorts;
  return { ...state, sorts: sort === null ? others : { ...others, [state.view]: sort } };
}

/** Behind the last column comes the order in which the node tells. */
function sortedByNext(state: TopState, step: 1 | -1, nowMs: number): TopState {
  const orders: (number | null)[] = [null, ...(firstSection(state, nowMs)?.sortable ?? [])];
  const at = orders.indexOf(state.sorts[state.view]?.by ?? null);
  const by = orders[(at + step + orders.length) % orders.length] ?? null;
  return withSort(state, by === null ? null : { by, isReversed: false });
}

function reversed(state: TopState, nowMs: number): TopState {
  const sort = state.sorts[state.view];
  const [first] = firstSection(state, nowMs)?.sortable ?? [];
  if (sort !== undefined) return withSort(state, { ...sort, isReversed: !sort.isReversed });
  return first === undefined ? state : withSort(state, { by: first, isReversed: true });
}

function walked(state: TopState, rows: number, nowMs: number): TopState {
  const count = firstSection(state, nowMs)?.count ?? 0;
  return { ...state, cursor: Math.max(0, Math.min(count - 1, state.cursor + rows)) };
}

function entered(state: TopState, nowMs: number): Action {
  if (state.link.kind === 'lost' && state.view !== 'cluster') return { kind: 'retry' };
  const { cluster, samples } = shownOf(state);
  if (state.view !== 'cluster' || cluster === null) return none;
  const rows = nodeRows(cluster, samples.at(-1), nowMs);
  const node = sorted(nodeTable, rows, state.sorts.cluster ?? null)[state.cursor]?.report;
  if (node === undefined || node.tcp === '') return none;
  return { kind: 'visit', tcp: node.tcp, http: node.http };
}
