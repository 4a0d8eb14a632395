import test from 'ava';
import { frameOf, printedFrame, shareRows } from '../../../../src/cli/top/frame.ts';
import type { NewsEvent } from '../../../../src/cli/top/news.ts';
import { colouredText, plainText, styledText, widthOf } from '../../../../src/cli/top/row.ts';
import { initialState, viewNames, withLink } from '../../../../src/cli/top/state.ts';
import { clusterNews, NOW_MS, sampleWith, shardWith, stateAfter, textOf } from './known-node.ts';

const ESC = '\x1b';
const sample: NewsEvent = { name: 'sample', value: sampleWith() };
const health: NewsEvent = { name: 'health', value: { ready: true, reasons: [] } };
const hot: NewsEvent = {
  name: 'access',
  value: {
    hot: [
      { key: 'user:1', reads: 120, share: 0.12 },
      { key: `evil${ESC}[2J\n\u202edrow 世界`, reads: 60, share: 0.06 },
    ],
    prefixes: [{ prefix: 'user', reads: 900, hitRatio: 0.9 }],
  },
};
const slow: NewsEvent = {
  name: 'slow',
  value: [{ id: 1, atMs: NOW_MS - 5000, durationMs: 123, words: ['KEYS', '*'], client: '127.0.0.1:999 worker' }],
};

test('the first rows say who the node is, how it is, and what it does', (t) => {
  const rows = textOf(frameOf(stateAfter([sample, health, hot, slow]), { columns: 120, rows: 40 }, NOW_MS));
  t.regex(rows[0] ?? '', /^n1 {2}ready {2}HTTP 127\.0\.0\.1:8081 {2}up 1 h {2}1\.2\.3 +12:30:00$/);
  t.regex(rows[1] ?? '', /^requests +1\.2k\/s {2}0\/s errors {2}█ {2}peak 1\.2k\/s$/);
  t.regex(
    rows[2] ?? '',
    /^latency +p50 250 µs {2}p99 1\.5 ms {2}p99\.9 12 ms {2}0\.54 cores {2}main thread late p99 1\.2 ms$/,
  );
  t.regex(rows[3] ?? '', /^hits +90\.0% {2}900\/s found {2}100\/s missed/);
  t.regex(rows[4] ?? '', /^memory +60M {2}\[############\.{8}\] 60\.0% {2}1\.23M keys {2}0\/s evicted {2}3\/s expired/);
  t.regex(rows[5] ?? '', /^clients +52 {2}in 2K\/s {2}out 1M\/s {2}resp 50, http 2$/);
});

test('the overview has the shards, the hot keys and the slow log below each other, in as many rows as each needs', (t) => {
  const rows = textOf(frameOf(stateAfter([sample, health, hot, slow]), { columns: 80, rows: 30 }, NOW_MS));
  const at = (text: string) => rows.findIndex((row) => row.startsWith(text));
  t.true(at('Shards') < at('Hot keys') && at('Hot keys') < at('Slow commands'));
  t.regex(rows[at('Shards') + 3] ?? '', /^ +1 +75\.0% +300 +75 /);
  t.regex(rows[at('Hot keys') + 2] ?? '', /^ +120 +12\.0% +user:1$/);
  t.regex(rows[at('Slow commands') + 2] ?? '', /^12:29:55 +123 ms +127\.0\.0\.1:999 worker +KEYS \*$/);
});

test('keys and commands of strangers cannot drive the terminal: what it would obey or not show is spelt out', (t) => {
  for (const view of viewNames) {
    const rows = frameOf(stateAfter([sample, hot, slow], { view }), { columns: 100, rows: 30 }, NOW_MS);
    for (const row of rows) t.notRegex(plainText(row), /\p{Cc}|\p{Cf}/u);
  }
  const rows = textOf(frameOf(stateAfter([sample, hot], { view: 'keys' }), { columns: 100, rows: 30 }, NOW_MS));
  t.true(rows.some((row) => row.endsWith('evil\\x1b[2J\\n\\u{202e}drow 世界')));
});

test('whatever the size of the window, there are as many rows as it has, and none is wider', (t) => {
  const events = [sample, health, hot, slow, clusterNews()];
  for (const view of viewNames) {
    for (const isHelp of [false, true]) {
      for (const columns of [1, 2, 7, 20, 33, 40, 79, 80, 200]) {
        for (const rows of [1, 2, 3, 5, 10, 24, 60]) {
          const frame = frameOf(stateAfter(events, { view, isHelp }), { columns, rows }, NOW_MS);
          t.is(frame.length, rows);
          for (const row of frame) t.true(widthOf(row) <= columns, `${view} ${columns}x${rows}: ${plainText(row)}`);
        }
      }
    }
  }
});

test('in a narrow window columns go, those that say least first, and what is left is whole', (t) => {
  const headings = (columns: number) => {
    const rows = textOf(frameOf(stateAfter([sample], { view: 'shards' }), { columns, rows: 24 }, NOW_MS));
    return rows[rows.findIndex((row) => row.startsWith('Shards')) + 1]?.trim().split(/ +/);
  };
  t.deepEqual(headings(100), [
    'shard',
    'busy',
    'reads/s',
    'commands/s',
    'waiting',
    'keys',
    'memory',
    'full',
    'restarts',
  ]);
  t.deepEqual(headings(50), ['shard', 'busy', 'reads/s', 'commands/s', 'keys', 'memory']);
  t.deepEqual(headings(20), ['shard', 'busy']);
});

test('of long names the end is cut, by the columns that they take', (t) => {
  const key = '世'.repeat(100);
  const long: NewsEvent = { name: 'access', value: { hot: [{ key, reads: 1, share: 0 }], prefixes: [] } };
  const rows = frameOf(stateAfter([sample, long], { view: 'keys' }), { columns: 40, rows: 24 }, NOW_MS);
  const row = rows.find((each) => plainText(each).includes('世')) ?? [];
  t.true(plainText(row).endsWith('世…'));
  t.true(widthOf(row) === 40 || widthOf(row) === 39);
});

test('in a window of few rows the summary gives way to the tables', (t) => {
  const rows = textOf(frameOf(stateAfter([sample, health, hot], { view: 'shards' }), { columns: 80, rows: 9 }, NOW_MS));
  t.regex(rows[1] ?? '', /^requests/);
  t.regex(rows[2] ?? '', /^latency/);
  t.true(rows.some((row) => row.startsWith('Shards')));
  t.regex(rows.at(-1) ?? '', /^q quit/);
});

test('rows are sorted by a column, from either end, and by what the cells mean rather than say', (t) => {
  const shards = [shardWith({ reads: 999 }), shardWith({ reads: 20_000 }), shardWith({ reads: 0 })];
  const order = (isReversed: boolean) => {
    const state = stateAfter([{ name: 'sample', value: sampleWith({ shards }) }], {
      view: 'shards',
      sorts: { shards: { by: 2, isReversed } },
    });
    const rows = textOf(frameOf(state, { columns: 80, rows: 30 }, NOW_MS));
    const at = rows.findIndex((row) => row.startsWith('Shards'));
    t.true(rows[at + 1]?.includes(isReversed ? 'reads/s↑' : 'reads/s↓'));
    return rows.slice(at + 2, at + 5).map((row) => row.trim().split(' ')[0]);
  };
  t.deepEqual(order(false), ['1', '0', '2']);
  t.deepEqual(order(true), ['2', '0', '1']);
});

test('the marked row is on the screen, wherever in a long table it is', (t) => {
  const commands = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`command-${at}`, 1000 - at]));
  for (const cursor of [0, 50, 99]) {
    const state = stateAfter([{ name: 'sample', value: sampleWith({ byCommand: commands }) }], {
      view: 'commands',
      cursor,
    });
    const frame = frameOf(state, { columns: 80, rows: 24 }, NOW_MS);
    const marked = frame.slice(8).filter((row) => row.some(({ style }) => style === 'inverse'));
    t.deepEqual(
      marked.map((row) => plainText(row).trim().split(/ +/).at(-1)),
      [`command-${cursor}`],
    );
  }
});

test('a cluster is told of by node: health, what each is primary of, its load, and what is lacking', (t) => {
  const state = stateAfter([sample, clusterNews()], { view: 'cluster' });
  const rows = textOf(frameOf(state, { columns: 140, rows: 24 }, NOW_MS));
  t.true(
    rows.some((row) =>
      /^cluster +2 of 3 nodes up {2}64 of 64 partitions online, 64 with too few copies, led by n2/.test(row),
    ),
  );
  t.true(rows.some((row) => row.includes('! 64 partitions have fewer than 2 copies in sync')));
  const at = rows.findIndex((row) => row.startsWith('Nodes'));
  t.regex(
    rows[at + 2] ?? '',
    /^n1 +up +22 +10 +0 +- +1\.2k +90\.0% +1\.5 ms +1\.23M +60\.0% +52 +0\.54 +10\.0\.0\.1:7379 +asked$/,
  );
  t.regex(
    rows[at + 3] ?? '',
    /^n2 +up +42 +10 +0 +7 +500 +80\.0% +2 ms +1k +50\.0% +3 +0\.2 +10\.0\.0\.2:7379 +leader$/,
  );
  // What a node that is gone did when it was heard last says nothing.
  t.regex(rows[at + 4] ?? '', /^n3 +fenced +0 +10 +0 +- +- +- +- +- +- +- +- +10\.0\.0\.3:7379 +heard 60 s ago$/);
});

test('tokens, stale reads and tags have a row once there was one of them', (t) => {
  const idle = textOf(frameOf(stateAfter([sample]), { columns: 120, rows: 40 }, NOW_MS));
  t.false(idle.some((row) => row.startsWith('loads')));
  const loads = { granted: 12, filled: 11, lost: 1, staleHits: 30, invalidated: 500, pendingTags: 2 };
  const busy: NewsEvent = { name: 'sample', value: sampleWith({ loads }) };
  const rows = textOf(frameOf(stateAfter([busy]), { columns: 120, rows: 40 }, NOW_MS));
  t.regex(
    rows[6] ?? '',
    /^loads +12\/s tokens {2}11\/s filled {2}1\/s lost {2}30\/s stale reads {2}500\/s invalidated {2}2 tags being swept$/,
  );
});

test('what happened is told with the failovers among it, the latest first', (t) => {
  const state = stateAfter(
    [
      { name: 'happenings', value: [{ atMs: NOW_MS - 60_000, by: 'n1', kind: 'joined', text: 'n3 joined' }] },
      {
        name: 'failovers',
        value: [
          {
            node: 'n3',
            suspectedAtMs: NOW_MS - 10_000,
            fencedAtMs: NOW_MS - 9000,
            promotedAtMs: NOW_MS - 8900,
            endedAtMs: NOW_MS - 8800,
            partitions: 21,
            lostPartitions: 0,
            takenBy: { n1: 10, n2: 11 },
          },
        ],
      },
    ],
    { view: 'events' },
  );
  const rows = textOf(frameOf(state, { columns: 120, rows: 24 }, NOW_MS));
  const at = rows.findIndex((row) => row.startsWith('What happened'));
  t.regex(
    rows[at + 2] ?? '',
    /^12:29:50 +n3 was lost; served again after 1\.2 s; 21 partitions taken over by n1 \(10\), n2 \(11\)$/,
  );
  t.regex(rows[at + 3] ?? '', /^12:29:00 +n1 +n3 joined$/);
});

test('while it stands still the screen shows what was known then, and says so', (t) => {
  const before = stateAfter([sample]);
  const frozen = { ...before, frozen: before.known };
  const after = {
    ...stateAfter([{ name: 'sample', value: sampleWith({ byProtocol: { resp: 5 } }) }]),
    frozen: frozen.frozen,
  };
  const rows = textOf(frameOf(after, { columns: 80, rows: 24 }, NOW_MS));
  t.true(rows[0]?.endsWith('PAUSED'));
  t.regex(rows[1] ?? '', /1\.2k\/s/);
});

test('a node that is lost is told of, and when it is tried again, with the last that is known of it', (t) => {
  const state = withLink(stateAfter([sample, health]), {
    kind: 'lost',
    reason: `HTTP at 127.0.0.1:8081 closed the connection${ESC}[31m.`,
    retryAtMs: NOW_MS + 4200,
  });
  const rows = textOf(frameOf(state, { columns: 100, rows: 24 }, NOW_MS));
  t.regex(rows[0] ?? '', /^n1 {2}LOST/);
  t.is(rows.at(-1), 'HTTP at 127.0.0.1:8081 closed the connection\\x1b[31m. (trying again in 5 s; q quits)');
  t.regex(rows[1] ?? '', /1\.2k\/s/);
});

test('before anything is known, and when a node tells nothing of something, there is a screen all the same', (t) => {
  for (const view of viewNames) {
    const frame = frameOf({ ...initialState('127.0.0.1:7379'), view }, { columns: 80, rows: 24 }, NOW_MS);
    t.regex(plainText(frame[0] ?? []), /^fluxcache top {2}connecting {2}127\.0\.0\.1:7379/);
  }
  const bare = sampleWith({
    latency: null,
    eventLoop: null,
    shards: [],
    byCommand: {},
    memory: { budget: 0, free: -2048 },
  });
  const rows = textOf(frameOf(stateAfter([{ name: 'sample', value: bare }]), { columns: 80, rows: 24 }, NOW_MS));
  t.regex(rows[2] ?? '', /^latency +p50 - {2}p99 - {2}p99\.9 -/);
  t.regex(rows[4] ?? '', /^memory +2K {2}1\.23M keys/);
});

test('a user is told what is not for him', (t) => {
  const user = { name: 'reader', rights: ['read'] };
  const state = stateAfter([sample]);
  const { known } = state;
  const told = { ...state, known: { ...known, hello: known.hello === null ? null : { ...known.hello, user } } };
  const rows = textOf(frameOf({ ...told, view: 'slow' }, { columns: 80, rows: 24 }, NOW_MS));
  t.true(rows.includes('Slow commands  for administrators'));
});

test('printed, it is plain text of all there is, in rows that end in no spaces', (t) => {
  const rows = textOf(printedFrame(stateAfter([sample, health, hot, slow, clusterNews()]), 120, NOW_MS));
  for (const title of ['Nodes', 'Shards', 'Hot keys', 'Slow commands', 'Commands', 'Protocols', 'Prefixes']) {
    t.is(rows.filter((row) => row.startsWith(`${title}  `) || row === title).length, 1, title);
  }
  t.false(rows.join('\n').includes(ESC));
  for (const row of rows) t.is(row, row.trimEnd());
});

test('rows end in the style that they began in; without colours only what is bold or turned around is styled', (t) => {
  const [row = []] = frameOf(stateAfter([sample, health]), { columns: 80, rows: 24 }, NOW_MS);
  t.true(colouredText(row).includes(`${ESC}[32mready${ESC}[0m`));
  t.false(styledText(row).includes(`${ESC}[32m`));
  t.true(styledText(row).includes(`${ESC}[1mn1${ESC}[0m`));
});

test('rows are shared out: each section what it needs, the rest evenly, and what has no room is left out', (t) => {
  t.deepEqual(shareRows([3, 20, 20], 30), [3, 13, 12]);
  t.deepEqual(shareRows([3, 4], 30), [3, 4]);
  t.deepEqual(shareRows([9, 9, 9], 7), [3, 3, 0]);
  t.deepEqual(shareRows([9], 2), [2]);
  t.deepEqual(shareRows([9, 9], 0), [0, 0]);
});
