/**
 * A process that saves to a log until it is killed: `node raft-log-saver.ts DIRECTORY`. Prints `boot N`, then `INDEX` for
 * each entry once it is durable; several saves are under way at any time.
 */
import { openRaftLog } from '../src/cluster/consensus/raft-log-file.ts';

const [, , directory = ''] = process.argv;
const log = await openRaftLog(directory, { rewriteBytesMin: 4000, rewriteFactor: 2 });
process.stdout.write(`boot ${log.boot}\n`);

let index = (log.raft.snapshot?.index ?? 0) + log.raft.entries.length;
const membership = { voters: ['a'], learners: [] };
let underWay = 0;

function fill(): void {
  while (underWay < 3) {
    underWay++;
    index++;
    const saved = index;
    const entry = { index, term: log.boot, kind: 'command', payload: new Uint8Array(100).fill(index) } as const;
    // From time to time the log is compacted up to what stands in it.
    const snapshot =
      index % 40 === 0 && index - 1 > (log.raft.snapshot?.index ?? 0)
        ? { index: index - 1, term: log.boot, membership, data: new Uint8Array(200).fill(index - 1) }
        : null;
    log.save({ hard: { term: log.boot, vote: 'a' }, snapshot, entries: [entry] }).then(
      () => {
        underWay--;
        process.stdout.write(`${saved}\n`);
        fill();
      },
      (error) => {
        throw error;
      },
    );
  }
}
fill();
