import type { NodeId } from '../../src/cluster/identity.ts';
import { describeFrame } from './describe-message.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';
import { type Trace, traced } from './trace.ts';

/** How a link behaves when nobody makes it worse. Milliseconds; probabilities for each frame. */
export interface LinkQuality {
  readonly minDelayMs: number;
  /** Of what comes on top of it, exponentially distributed. */
  readonly meanDelayMs: number;
  readonly loss: number;
  readonly duplication: number;
  readonly corruption: number;
  /** Frames overtake each other. Else they stay in order, as on one connection. */
  readonly isReordering: boolean;
}

/** No more frames than these are under way on one link; those beyond are lost, as from a full send queue. */
export const linkFramesMax = 4096;

export interface NetworkCounts {
  sent: number;
  delivered: number;
  lost: number;
  duplicated: number;
  corrupted: number;
  cut: number;
  overflowed: number;
  /** The most that were under way at once on one link. */
  linkFramesPeak: number;
}

interface Link {
  quality: LinkQuality;
  cuts: number;
  clogs: number;
  /** What a clogged link holds back. */
  held: Uint8Array[];
  underWay: number;
  lastArrivalMs: number;
}

/**
 * Links between nodes, one for each direction. They lose, delay, double, reorder, damage and hold frames back. Frames
 * that were under way when a link is cut are lost with it.
 */
export class SimulatedNetwork {
  readonly counts: NetworkCounts = {
    sent: 0,
    delivered: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    cut: 0,
    overflowed: 0,
    linkFramesPeak: 0,
  };
  readonly #schedule: Schedule;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  #quality: LinkQuality;
  readonly #deliver: (from: NodeId, to: NodeId, frame: Uint8Array) => void;
  readonly #links = new Map<NodeId, Map<NodeId, Link>>();

  constructor(
    schedule: Schedule,
    random: SeededRandom,
    trace: Trace,
    quality: LinkQuality,
    deliver: (from: NodeId, to: NodeId, frame: Uint8Array) => void,
  ) {
    this.#schedule = schedule;
    this.#random = random;
    this.#trace = trace;
    this.#quality = quality;
    this.#deliver = deliver;
  }

  send(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const link = this.#link(from, to);
    const random = this.#random;
    this.counts.sent++;
    if (link.cuts > 0) {
      this.counts.cut++;
      this.#say(from, to, 'is cut off', frame);
      return;
    }
    if (random.chance(link.quality.loss)) {
      this.counts.lost++;
      this.#trace.event(this.#schedule.nowMs, traced.lost, frame.length);
      this.#say(from, to, 'is lost', frame);
      return;
    }
    let carried = frame;
    if (link.quality.corruption > 0 && frame.length > 0 && random.chance(link.quality.corruption)) {
      carried = frame.slice();
      const at = random.integer(0, frame.length - 1);
      carried[at] = (carried[at] as number) ^ (1 << random.integer(0, 7));
      this.counts.corrupted++;
      this.#say(from, to, 'is damaged', frame);
    }
    this.#carry(from, to, link, carried);
    if (random.chance(link.quality.duplication)) {
      this.counts.duplicated++;
      this.#carry(from, to, link, carried);
    }
  }

  /** Faults nest: a link cut twice must be mended twice. */
  cut(from: NodeId, to: NodeId): void {
    this.#link(from, to).cuts++;
  }

  mend(from: NodeId, to: NodeId): void {
    const link = this.#link(from, to);
    if (link.cuts > 0) link.cuts--;
  }

  clog(from: NodeId, to: NodeId): void {
    this.#link(from, to).clogs++;
  }

  /** Lets go what it held back, all at once. */
  unclog(from: NodeId, to: NodeId): void {
    const link = this.#link(from, to);
    if (link.clogs > 0) link.clogs--;
    if (link.clogs > 0) return;
    const held = link.held;
    link.held = [];
    for (const frame of held) {
      link.underWay--;
      this.#carry(from, to, link, frame);
    }
  }

  setQuality(from: NodeId, to: NodeId, quality: LinkQuality): void {
    this.#link(from, to).quality = quality;
  }

  /** All links work from now on, those that are still to come too. */
  healAll(quality: LinkQuality): void {
    this.#quality = quality;
    for (const [from, links] of this.#links)
      for (const [to, link] of links) {
        link.cuts = 0;
        link.quality = quality;
        while (link.clogs > 0) this.unclog(from, to);
      }
  }

  #carry(from: NodeId, to: NodeId, link: Link, frame: Uint8Array): void {
    if (link.underWay >= linkFramesMax) {
      this.counts.overflowed++;
      this.#say(from, to, 'is lost from a full queue', frame);
      return;
    }
    link.underWay++;
    if (link.underWay > this.counts.linkFramesPeak) this.counts.linkFramesPeak = link.underWay;
    if (link.clogs > 0) {
      link.held.push(frame);
      return;
    }
    const { minDelayMs, meanDelayMs, isReordering } = link.quality;
    let arrivalMs = this.#schedule.nowMs + minDelayMs + this.#random.exponential(meanDelayMs);
    if (!isReordering) {
      if (arrivalMs < link.lastArrivalMs) arrivalMs = link.lastArrivalMs;
      link.lastArrivalMs = arrivalMs;
    }
    this.#schedule.at(arrivalMs, () => {
      link.underWay--;
      if (link.cuts > 0) {
        this.counts.cut++;
        this.#say(from, to, 'is lost with its link', frame);
        return;
      }
      this.counts.delivered++;
      this.#deliver(from, to, frame);
    });
  }

  #say(from: NodeId, to: NodeId, what: string, frame: Uint8Array): void {
    this.#trace.sayMessage(this.#schedule.nowMs, from, () => `what goes to ${to} ${what}: ${describeFrame(frame)}`);
  }

  #link(from: NodeId, to: NodeId): Link {
    let links = this.#links.get(from);
    if (links === undefined) {
      links = new Map();
      this.#links.set(from, links);
    }
    let link = links.get(to);
    if (link === undefined) {
      link = { quality: this.#quality, cuts: 0, clogs: 0, held: [], underWay: 0, lastArrivalMs: 0 };
      links.set(to, link);
    }
    return link;
  }
}
