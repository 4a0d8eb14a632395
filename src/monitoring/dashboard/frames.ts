import type { DashboardFrame } from '../../server/http/dashboard-port.ts';
import type { FeedEvents, NodeSample } from './feed.ts';

/** One event of the feed. A sample is told beside those before it; anything else takes the place of what it was before. */
export function frameOf<Name extends keyof FeedEvents>(name: Name, value: FeedEvents[Name]): DashboardFrame {
  return { name, replaces: name !== 'sample', bytes: bytesOf(name, JSON.stringify(value)) };
}

/** Of each sample that is kept, its text, so that those who come one after another do not make it again. */
const texts = new WeakMap<NodeSample, string>();

export function historyFrameOf(samples: readonly NodeSample[]): DashboardFrame {
  const parts = samples.map((sample) => {
    const text = texts.get(sample) ?? JSON.stringify(sample);
    texts.set(sample, text);
    return text;
  });
  return { name: 'history', replaces: true, bytes: bytesOf('history', `[${parts.join(',')}]`) };
}

/** JSON has no line breaks but escaped ones, so that an event is two lines. */
function bytesOf(name: string, json: string): Uint8Array {
  return Buffer.from(`event: ${name}\ndata: ${json}\n\n`, 'utf8');
}
