import { DamagedJournalError, recoverJournal } from '../../src/cluster/consensus/journal-recovery.ts';
import { RaftJournal } from '../../src/cluster/consensus/raft-journal.ts';
import type { RaftState } from '../../src/cluster/consensus/raft-types.ts';
import type { SimulatedDisk } from './disk.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { NodeStorage, Opened } from './simulated-node.ts';
import type { PersistAction } from './witness.ts';

/** The real journal of the consensus log on a simulated disk. */
export class JournalStorage implements NodeStorage {
  readonly disk: SimulatedDisk;
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  /** What a node has before its first start. */
  readonly #founding: RaftState;
  #journal: RaftJournal | null = null;
  #life = 0;

  constructor(disk: SimulatedDisk, schedule: Schedule, random: SeededRandom, founding: RaftState) {
    this.disk = disk;
    this.#random = random;
    this.#schedule = schedule;
    this.#founding = founding;
  }

  open(done: (opened: Opened) => void): void {
    const life = ++this.#life;
    this.#schedule.after(this.disk.readDelayMs(), () => {
      if (life !== this.#life) return;
      const recovered = this.#recover();
      if (recovered === null) {
        done('damaged');
        return;
      }
      const journal = new RaftJournal(recovered);
      this.#journal = journal;
      const write = journal.begin();
      this.disk.write(
        write,
        () => {
          journal.synced(write);
          // The founding snapshot is what every founder knows without a disk; the log replaces it in time.
          const snapshot = recovered.raft.snapshot ?? this.#founding.snapshot;
          done({ boot: recovered.boot + 1, raft: { ...recovered.raft, snapshot } });
        },
        () => done('full'),
      );
    });
  }

  persist(action: PersistAction, done: () => void, failed: (reason: string) => void): void {
    const journal = this.#journal;
    if (journal === null) return;
    const write = journal.next(action);
    this.disk.write(
      write,
      () => {
        journal.synced(write);
        done();
        this.#mark(journal, failed);
      },
      failed,
    );
  }

  /** Now and then, when there is nothing else to do, what is durable is noted. */
  #mark(journal: RaftJournal, failed: (reason: string) => void): void {
    if (journal !== this.#journal || this.disk.queued > 0 || !this.#random.chance(0.3)) return;
    const write = journal.mark();
    if (write !== null) this.disk.write(write, () => {}, failed);
  }

  crash(): void {
    this.#life++;
    this.#journal = null;
    this.disk.crash();
  }

  #recover(): ReturnType<typeof recoverJournal> | null {
    try {
      return recoverJournal(this.disk.files());
    } catch (error) {
      if (error instanceof DamagedJournalError) return null;
      throw error;
    }
  }
}
