import { flag, word } from './option-kinds.ts';

const which = 'Which';
const showing = 'Output';

/** Options of `fluxcache snapshot`, behind the word. */
export const snapshotOptions = {
  node: word({
    flags: ['--node'],
    group: which,
    doc: 'Of this node of a cluster alone: its id, the beginning of it, or its address. Default: of all, one after the other.',
    placeholder: 'NODE',
    allowed: 'the id or the address of a node',
  }),
  json: flag({ flags: ['--json'], group: showing, doc: 'Print JSON.' }),
} as const;
