import { ConnectionError } from '../connection.ts';
import { Exit, print, warn } from '../run.ts';
import { addressText } from '../target.ts';
import { printedFrame } from './frame.ts';
import type { Sample } from './news.ts';
import { openFeed, type Place } from './open-feed.ts';
import { plainText } from './row.ts';
import { initialState, type Source, type TopState, withLink, withNews } from './state.ts';

const COLUMNS = 120;

/** Prints what there is to see once the node has told the figures of a second. */
export async function printFrame(place: Place): Promise<Exit> {
  await eachSample(place, (state) => {
    const columns = process.stdout.isTTY === true ? process.stdout.columns : COLUMNS;
    const rows = printedFrame(state, columns, Date.now());
    return { written: print(`${rows.map(plainText).join('\n')}\n`), isLast: true };
  });
  return Exit.ok;
}

/** Prints a line of JSON a sample, so many times, and no two within the interval. */
export async function printLines(place: Place, lines: number, intervalMs: number): Promise<Exit> {
  let printed = 0;
  let dueMs = Number.NEGATIVE_INFINITY;
  if (lines === 0) return Exit.ok;
  await eachSample(place, (state, sample, source) => {
    const nowMs = performance.now();
    if (nowMs < dueMs) return { written: undefined, isLast: false };
    // Samples come a second apart, or a little less.
    dueMs = nowMs + intervalMs * 0.9;
    printed++;
    return { written: print(`${JSON.stringify(lineOf(state, sample, source))}\n`), isLast: printed === lines };
  });
  return Exit.ok;
}

function lineOf({ known }: TopState, sample: Sample, { address, way, missing }: Source): object {
  const { hello, health, cluster, failovers, access } = known;
  return {
    node: hello?.node ?? '',
    address,
    way,
    ...(missing !== '' && { missing }),
    ready: health?.ready ?? null,
    reasons: health?.reasons ?? [],
    sample,
    hot: access?.hot ?? [],
    cluster: cluster === null ? null : { ...cluster.report, table: undefined, peers: cluster.peers },
    failovers,
  };
}

type OnSample = (
  state: TopState,
  sample: Sample,
  source: Source,
) => { readonly written: Promise<void> | void; readonly isLast: boolean };

/** Follows a node until `onSample` has had enough. Throws a ConnectionError when the node is lost before. */
async function eachSample(place: Place, onSample: OnSample): Promise<void> {
  const { feed, source } = await openFeed(place, warn);
  let state = withLink(initialState(addressText(place.target)), { kind: 'open', source });
  let writing: Promise<void> | void = Promise.resolve();
  try {
    await new Promise<void>((resolve, reject) => {
      feed.start(
        (event) => {
          state = withNews(state, event);
          if (event.name !== 'sample') return;
          try {
            const { written, isLast } = onSample(state, event.value, source);
            writing = written;
            if (isLast) resolve();
          } catch (error) {
            reject(error);
          }
        },
        (reason) => reject(new ConnectionError(reason)),
      );
    });
    await writing;
  } finally {
    feed.close();
  }
}
