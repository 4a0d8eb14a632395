import { count, flag, word } from './option-kinds.ts';

const meaning = 'What is meant';
const showing = 'Output';

/** Options of `fluxcache invalidate`. */
export const invalidateOptions = {
  soft: flag({
    flags: ['--soft'],
    group: meaning,
    doc: 'Of tags: the keys become stale, and are served as such for as long as their stale window says. Without it they are gone.',
  }),
  match: word({
    flags: ['--match'],
    group: meaning,
    doc: 'Instead of tags: delete all keys of this glob pattern, a few at a time; user:* are those that begin so. Ctrl-C ends it.',
    placeholder: 'PATTERN',
    allowed: 'a glob pattern',
  }),
  pageSize: count({
    flags: ['--count'],
    group: meaning,
    doc: 'With --match: keys that are looked at in a step, between which other commands run. Default: the one of the server.',
    default: 0,
    min: 1,
    max: 4096,
  }),
  json: flag({ flags: ['--json'], group: showing, doc: 'Print JSON.' }),
} as const;
