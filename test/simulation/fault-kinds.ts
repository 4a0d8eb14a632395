/** Every kind of fault, and of change by an administrator, that a run may inject. */
export const faultKinds = {
  crash: 'a process dies and starts again after a while, its memory empty',
  'crash-leader': 'the same to the controller',
  'crash-primary': 'the same to a primary, sometimes in the midst of a hand-over',
  'crash-all': 'all processes die',
  pause: 'a process stands still (SIGSTOP, a suspended machine) and then finds everything at once',
  'pause-leader': 'the same to the controller',
  'pause-primary': 'the same to a primary, for about as long as a lease lasts',
  isolate: 'a node hears nobody and nobody hears it',
  'isolate-leader': 'the same to the controller',
  split: 'two groups of nodes cannot reach each other',
  'one-way': 'a node is heard but does not hear, or hears but is not heard',
  'cut-link': 'two nodes cannot reach each other, but both reach the rest',
  flap: 'a link comes and goes',
  clog: 'links hold everything back and let it go later',
  degrade: 'all links lose up to 30 %, double up to 50 %, delay by means of 30 to 100 ms, reorder and damage',
  'lose-data': 'a shard dies: the memory of a partition is gone, the process is not',
  'disk-slow': 'syncs take up to a second',
  'disk-full': 'a write fails: the process stops, and starts when there is room again',
  'disk-damage': 'a process dies and a bit of its journal turns: it must not come back under its name',
  join: 'a new node comes, or one that had left',
  drain: 'a node is drained and removed',
  transfer: 'the controller hands over to another node',
  settings: 'the numbers of copies and of those that must be in sync change',
  flood: 'clients ask without a pause',
} as const;

export type FaultKind = keyof typeof faultKinds;
