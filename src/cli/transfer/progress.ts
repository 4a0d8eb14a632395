import { ProgressBar } from '../progress-bar.ts';
import { printable } from '../reply-formats.ts';
import { warn } from '../run.ts';
import { type Tally, thousands } from './tally.ts';

/** Between two pictures. */
const PICTURE_MS = 100;
const FAULTS_TOLD = 20;

/** How far a transfer is, on standard error while that is a terminal, and what is wrong, above it. */
export class Progress {
  readonly #tally: Tally;
  readonly #bar: ProgressBar | null;
  readonly #timer: NodeJS.Timeout | undefined;
  /** What there is to do, in bytes or keys; 0 when nobody knows. */
  readonly #total: number;
  /** How much of it is done. */
  #behind = 0;
  #faults = 0;
  #waitedFor = '';

  /** `isSilent`: what is written may end on the same terminal, where a bar would stand within it. */
  constructor(tally: Tally, total: number, isSilent = false) {
    this.#bar = process.stderr.isTTY === true && !isSilent ? new ProgressBar() : null;
    this.#tally = tally;
    this.#total = total;
    if (this.#bar !== null) this.#timer = setInterval(() => this.#draw(), PICTURE_MS);
  }

  /** `behind`: how much of the total is done. */
  reach(behind: number): void {
    this.#behind = behind;
    this.#waitedFor = '';
  }

  /** Tells that a server is waited for, and why, once until things go on. */
  wait(why: string): void {
    if (why === this.#waitedFor) return;
    this.#waitedFor = why;
    this.#say(`waiting: ${why}`);
  }

  /** Tells that it ends before its time, when what is under way is done. */
  ending(): void {
    this.#say('ending when this step is done; Ctrl-C again ends at once.');
  }

  /** Tells of something that was left out; of too many the first ones. */
  fault(text: string): void {
    this.#faults++;
    if (this.#faults <= FAULTS_TOLD) this.#say(text);
    if (this.#faults === FAULTS_TOLD) this.#say('what else there is of this kind is only counted.');
  }

  end(): void {
    clearInterval(this.#timer);
    this.#bar?.end();
  }

  #say(text: string): void {
    this.#bar?.end();
    warn(printable(text).replaceAll('\n', ' '));
  }

  #draw(): void {
    const { done, existing, rate } = this.#tally;
    const what = `${thousands(done + existing)} entries, ${thousands(rate)}/s`;
    if (this.#total === 0) this.#bar?.tell(what);
    else this.#bar?.showOf(this.#behind, this.#total, what);
  }
}
