import { choice, count, flag, seconds, word } from '../option-kinds.ts';
import { viewNames } from './state.ts';

const showing = 'Output';
const asking = 'Where to';

/** Options of `fluxcache top`, behind the word. */
export const topOptions = {
  view: choice({
    flags: ['--view'],
    group: showing,
    doc: `What to show first: ${viewNames.join(', ')}.`,
    of: viewNames,
    default: 'overview',
    placeholder: 'NAME',
  }),
  once: flag({
    flags: ['--once'],
    group: showing,
    doc: 'Print all there is to see once, as plain text. The default but on a terminal.',
  }),
  json: flag({ flags: ['--json'], group: showing, doc: 'Print a line of JSON for each sample, one a second.' }),
  interval: seconds({
    flags: ['-i'],
    group: showing,
    doc: 'Time between two lines of --json, at least. -i and -r may stand in front of the word top as well. Default: 1.',
    default: undefined,
    minMs: 0,
  }),
  repeat: count({
    flags: ['-r'],
    group: showing,
    doc: 'Lines of --json; -1 is without end. Default: -1, and 1 with --once.',
    default: -1,
    min: -1,
    max: Number.MAX_SAFE_INTEGER,
  }),
  http: word({
    flags: ['--http'],
    group: asking,
    doc: 'Where the node speaks HTTP, when that is not where it says. RESP is not needed then.',
    placeholder: '[HOST:]PORT',
    allowed: 'PORT or HOST:PORT, a port from 1 to 65535',
  }),
  noHttp: flag({
    flags: ['--no-http'],
    group: asking,
    doc: 'Ask for INFO over RESP instead, which tells less. The default where HTTP cannot be reached.',
  }),
} as const;
