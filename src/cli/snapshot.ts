import type { NodeReport } from '../command/cluster-report.ts';
import { ClusterLink, NoClusterError } from './cluster-link.ts';
import { readOptions } from './command-line.ts';
import { Connection, ConnectionError } from './connection.ts';
import { optionsText } from './help-text.ts';
import { RefusedError } from './key-pages.ts';
import { isAlone, nodeNamed, onlyOfCluster } from './named-node.ts';
import { Exit, pause, print, type Run, refuse, warn } from './run.ts';
import { snapshotOptions } from './snapshot-options.ts';
import { addressText, type Target, targetAt } from './target.ts';

const LOOK_MS = 250;

/** Whose snapshot is made, and where it is asked for. */
interface Place {
  /** Of the node; null: it is by itself. */
  readonly id: string | null;
  /** Null: nobody knows where it is reached. */
  readonly target: Target | null;
}

/** Runs `fluxcache snapshot`: has the node, or every node of its cluster, make a snapshot, and waits until it is there. */
export async function runSnapshot(run: Run, args: readonly string[]): Promise<Exit> {
  const { values, rest, problems: found, asks } = readOptions(snapshotOptions, args);
  if (asks === 'help') {
    await print(helpText());
    return Exit.ok;
  }
  const problems = [...found, ...rest.slice(0, 1).map((word) => `snapshot takes no ${JSON.stringify(word)}.`)];
  if (problems.length > 0) return refuse(problems, 'fluxcache snapshot --help');

  const json = values.json || run.format === 'json';
  const places = await placesOf(run, values.node);
  const [first] = places;
  if (first?.id === null) {
    const tookMs = await takeAt(first);
    await print(json ? `${JSON.stringify({ tookMs })}\n` : `A snapshot was made in ${tookMs} ms.\n`);
    return Exit.ok;
  }
  const outcomes: object[] = [];
  let isDone = true;
  // One after the other, so that never all nodes are busy with it.
  for (const place of places) {
    const node = { id: place.id, address: place.target === null ? null : addressText(place.target) };
    const name = node.address === null ? node.id : `${node.id} (${node.address})`;
    try {
      const tookMs = await takeAt(place);
      outcomes.push({ ...node, tookMs });
      if (!json) await print(`${name}: a snapshot was made in ${tookMs} ms.\n`);
    } catch (error) {
      if (!(error instanceof ConnectionError) && !(error instanceof RefusedError)) throw error;
      isDone = false;
      outcomes.push({ ...node, error: error.message });
      if (!json) warn(`${name}: ${error.message}`);
    }
  }
  if (json) await print(`${JSON.stringify({ nodes: outcomes })}\n`);
  return isDone ? Exit.ok : Exit.error;
}

async function placesOf(run: Run, subject: string | undefined): Promise<Place[]> {
  const link = new ClusterLink(run);
  try {
    const { report } = await link.report(false);
    if (subject === undefined && isAlone(report)) return [{ id: null, target: run.target }];
    onlyOfCluster(report);
    const nodes = subject === undefined ? report.nodes : [nodeNamed(report, subject)];
    // The one that was asked is there, whatever address others are told.
    const targetOf = ({ isSelf, tcp }: NodeReport) => (isSelf ? link.target : targetAt(run.target, tcp));
    return nodes.map((node) => ({ id: node.id, target: targetOf(node) }));
  } catch (error) {
    // What knows no clusters of this kind may know SAVE.
    if (error instanceof NoClusterError && subject === undefined) return [{ id: null, target: run.target }];
    throw error;
  } finally {
    link.close();
  }
}

/** Milliseconds it took. Throws a {@link RefusedError} or a {@link ConnectionError}. */
async function takeAt({ target }: Place): Promise<number> {
  if (target === null) throw new RefusedError('The cluster does not know where clients reach this node.');
  const connection = await Connection.open(target, 2, (text) => warn(text));
  try {
    const beganMs = performance.now();
    for (;;) {
      const reply = await connection.request(['SAVE']);
      if (reply.kind !== 'error') return Math.round(performance.now() - beganMs);
      // Another one is being made, which may have begun before what is to be in this one was written.
      if (!/in progress/.test(reply.text)) throw new RefusedError(reply.text.replace(/^ERR /, ''));
      await pause(LOOK_MS);
    }
  } finally {
    connection.close();
  }
}

function helpText(): string {
  return `Usage: fluxcache [OPTION…] snapshot [OPTION…]

Has a node that keeps its keys (--persistence) write all of them to its disk, and waits until that is done; commands are
served meanwhile. Of a cluster every node does so, one after the other, whichever of them is asked.

${optionsText(snapshotOptions)}

Exit status: 0; 1 when a node cannot be reached or could not make one; 2 when the command line is wrong.
`;
}
