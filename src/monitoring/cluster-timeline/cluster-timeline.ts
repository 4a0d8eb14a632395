import type { ClusterReport } from '../../command/cluster-report.ts';
import type { Suspicion } from '../../server/cluster/cluster-note.ts';
import type { ClusterNoter } from '../../server/cluster/cluster-noter.ts';
import type { ClusterNews, Failover, Happening, PeerSample } from '../dashboard/feed.ts';
import type { ClusterSource } from '../dashboard/sources.ts';
import { assembleFailovers } from './assemble-failovers.ts';
import { happenings } from './happenings.ts';
import {
  decodeNews,
  decodeQuestion,
  encodeNews,
  encodeQuestion,
  NOTES_AT_ONCE_MAX,
  type NodeNews,
} from './node-news.ts';
import type { NotedBy } from './noted-by.ts';
import { PeerNotebook } from './peer-notebook.ts';

/** While somebody looks, every other node is asked so often. */
const ASK_EVERY_MS = 1000;

/** A way to another node. */
export interface NewsLink {
  readonly node: string;
  /** Answered once, with a view for the length of the call; null: there is no answer. */
  ask(question: Uint8Array, onAnswer: (answer: Uint8Array | null) => void): void;
}

export interface TimelineParts {
  readonly self: string;
  /** Which start of this node it is. */
  boot(): number;
  /** The cluster as it is now, with its table of partitions. */
  report(): ClusterReport;
  readonly noter: Pick<ClusterNoter, 'last' | 'after' | 'suspicions' | 'countsOn' | 'onNote'>;
  /** The nodes that can be asked. */
  links(): Iterable<NewsLink>;
  nowMs(): number;
}

/**
 * What is known of the nodes of the cluster and of what happened to it: what this node has noted, and, while somebody
 * looks, what the others say, which are asked once a second. A node that does not answer is shown as it was.
 */
export class ClusterTimeline implements ClusterSource {
  /** What this node tells others of what it does; null: nothing yet. */
  sample: () => PeerSample | null = () => null;
  readonly #parts: TimelineParts;
  readonly #peers: PeerNotebook;
  #watchers = 0;
  #timer: NodeJS.Timeout | null = null;
  readonly #asked = new Set<string>();
  /** Something was noted, here or elsewhere, since they were put together. */
  #isStale = true;
  #suspicions = '';
  #failovers: readonly Failover[] = [];
  #happenings: readonly Happening[] = [];

  constructor(parts: TimelineParts) {
    this.#parts = parts;
    this.#peers = new PeerNotebook();
    parts.noter.onNote = () => {
      this.#isStale = true;
    };
  }

  cluster(): ClusterNews {
    const report = this.#parts.report();
    const others = report.nodes.filter(({ isSelf }) => !isSelf);
    return { report, peers: others.map(({ id }) => this.#peers.newsOf(id)) };
  }

  failovers(): readonly Failover[] {
    this.#look();
    return this.#failovers;
  }

  happenings(): readonly Happening[] {
    this.#look();
    return this.#happenings;
  }

  watch(): () => void {
    this.#watchers++;
    if (this.#timer === null) {
      this.#timer = setInterval(() => this.#ask(), ASK_EVERY_MS);
      this.#timer.unref();
      this.#ask();
    }
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      this.#watchers--;
      if (this.#watchers === 0) this.stop();
    };
  }

  /** Asks nobody any more. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** What another node is told; null: what it asks is not understood. */
  answer(question: Uint8Array): Uint8Array | null {
    const asked = decodeQuestion(question);
    if (asked === null) return null;
    const { noter } = this.#parts;
    const boot = this.#parts.boot();
    // Of another start of this node there is nothing to go on from.
    const after = asked.boot === boot ? Math.min(asked.after, noter.last) : 0;
    const notes = noter.after(after, NOTES_AT_ONCE_MAX);
    const told = notes.at(-1)?.seq ?? noter.last;
    return encodeNews({
      boot,
      told,
      hasMore: told < noter.last,
      notes,
      suspicions: noter.suspicions(),
      sample: this.sample(),
    });
  }

  #ask(): void {
    if (this.#peers.forgetSuspicions(this.#parts.nowMs())) this.#isStale = true;
    for (const link of this.#parts.links()) this.#askNode(link);
  }

  #askNode(link: NewsLink): void {
    const { node } = link;
    if (this.#asked.has(node)) return;
    this.#asked.add(node);
    link.ask(encodeQuestion(this.#peers.questionFor(node)), (answer) => {
      this.#asked.delete(node);
      const news = answer === null ? null : decodeNews(answer);
      if (news === null) return;
      this.#take(node, news);
      if (news.hasMore && this.#timer !== null) this.#askNode(link);
    });
  }

  #take(node: string, news: NodeNews): void {
    if (this.#peers.take(node, news, this.#parts.nowMs())) this.#isStale = true;
  }

  #look(): void {
    const { self, noter } = this.#parts;
    const isDoubtful = ({ node, boot }: Suspicion): boolean => noter.countsOn(node, boot);
    const own = { node: self, boot: this.#parts.boot(), suspicions: noter.suspicions() };
    // Who was asked a second ago may not have known yet what has become of a node.
    const others = [...this.#peers.noted()].map((by): NotedBy => {
      return { ...by, suspicions: by.suspicions.filter(isDoubtful) };
    });
    const suspicions = JSON.stringify([own, ...others].flatMap((by) => by.suspicions));
    if (!this.#isStale && suspicions === this.#suspicions) return;
    this.#isStale = false;
    this.#suspicions = suspicions;
    const all = [{ ...own, notes: noter.after(0) }, ...others];
    this.#failovers = unlessSame(this.#failovers, assembleFailovers(all));
    this.#happenings = unlessSame(this.#happenings, happenings(all));
  }
}

function unlessSame<Value>(before: readonly Value[], after: readonly Value[]): readonly Value[] {
  return JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
