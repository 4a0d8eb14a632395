import { type Channel, ChannelSet } from './channel-set.ts';
import type { Subscriber } from './message.ts';

const star = 0x2a;

/** Patterns and who is subscribed to each. */
export class PatternSet extends ChannelSet {
  #costlyBytes = 0;

  /** Bytes of those patterns, each counted once, whose matching can go over the name again and again. */
  get costlyBytes(): number {
    return this.#costlyBytes;
  }

  override add(pattern: Uint8Array, subscriber: Subscriber): Channel | null {
    const before = this.size;
    const added = super.add(pattern, subscriber);
    if (this.size > before && isCostly(pattern)) this.#costlyBytes += pattern.length;
    return added;
  }

  override remove(pattern: Channel, subscriber: Subscriber): void {
    const before = this.size;
    super.remove(pattern, subscriber);
    if (this.size < before && isCostly(pattern.name)) this.#costlyBytes -= pattern.name.length;
  }
}

/** A star at the end swallows the rest at once; any other may be tried at every byte of the name. */
export function isCostly(pattern: Uint8Array): boolean {
  const first = pattern.indexOf(star);
  return first >= 0 && first < pattern.length - 1;
}
