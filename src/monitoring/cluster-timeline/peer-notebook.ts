import type { ClusterNote, Suspicion } from '../../server/cluster/cluster-note.ts';
import type { PeerNews, PeerSample } from '../dashboard/feed.ts';
import type { NewsQuestion, NodeNews } from './node-news.ts';
import type { NotedBy } from './noted-by.ts';

/** Of one node, over its starts. */
const NOTES_MAX = 512;
/** Nodes that are remembered: of more, the one that was not heard of for the longest is not. */
const NODES_MAX = 1024;
/** Whom a node suspected longer ago than this may be well. */
const SUSPICION_MS = 3000;

interface Start {
  readonly boot: number;
  readonly notes: ClusterNote[];
}

interface Page {
  /** The starts of the node, the latest last. */
  starts: Start[];
  told: number;
  heardAtMs: number;
  suspicions: readonly Suspicion[];
  sample: PeerSample | null;
}

/** What other nodes have told of themselves, kept when they are gone; pure. */
export class PeerNotebook {
  /** The node that was heard of last is the last. */
  readonly #pages = new Map<string, Page>();

  /** What to ask a node so that it tells what is not known yet. */
  questionFor(node: string): NewsQuestion {
    const page = this.#pages.get(node);
    return { boot: page?.starts.at(-1)?.boot ?? 0, after: page?.told ?? 0 };
  }

  /** Returns whether it told anything new but its sample. */
  take(node: string, news: NodeNews, nowMs: number): boolean {
    const { boot, told, notes, suspicions, sample } = news;
    const page = this.#pages.get(node) ?? { starts: [], told: 0, heardAtMs: 0, suspicions: [], sample: null };
    const hasNewSuspicions = JSON.stringify(page.suspicions) !== JSON.stringify(suspicions);
    this.#pages.delete(node);
    this.#pages.set(node, page);
    const last = page.starts.at(-1);
    if (last?.boot !== boot) {
      page.starts.push({ boot, notes: [...notes] });
      page.told = told;
    } else {
      // A node does not tell a note again, but may be asked twice for the same.
      for (const note of notes) if (note.seq > page.told) last.notes.push(note);
      page.told = Math.max(page.told, told);
    }
    page.heardAtMs = nowMs;
    page.suspicions = suspicions;
    page.sample = sample;
    shorten(page);
    if (this.#pages.size > NODES_MAX) {
      const [oldest] = this.#pages.keys();
      if (oldest !== undefined) this.#pages.delete(oldest);
    }
    return notes.length > 0 || hasNewSuspicions;
  }

  /** Forgets whom nodes suspect that were not heard of for a while. Returns whether there was anything to forget. */
  forgetSuspicions(nowMs: number): boolean {
    let hasForgotten = false;
    for (const page of this.#pages.values()) {
      if (page.suspicions.length === 0 || nowMs - page.heardAtMs <= SUSPICION_MS) continue;
      page.suspicions = [];
      hasForgotten = true;
    }
    return hasForgotten;
  }

  newsOf(node: string): PeerNews {
    const page = this.#pages.get(node);
    return { node, heardAtMs: page?.heardAtMs ?? null, sample: page?.sample ?? null };
  }

  *noted(): Iterable<NotedBy> {
    for (const [node, { starts, suspicions }] of this.#pages) {
      for (const [index, { boot, notes }] of starts.entries()) {
        yield { node, boot, notes, suspicions: index === starts.length - 1 ? suspicions : [] };
      }
    }
  }
}

function shorten(page: Page): void {
  let tooMany = page.starts.reduce((sum, { notes }) => sum + notes.length, 0) - NOTES_MAX;
  for (const { notes } of page.starts) {
    if (tooMany <= 0) break;
    tooMany -= notes.splice(0, tooMany).length;
  }
  const last = page.starts.at(-1);
  page.starts = page.starts.filter((start) => start === last || start.notes.length > 0);
}
