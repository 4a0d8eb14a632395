import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { spawnThread } from '../../../src/base/spawn-thread.ts';
import {
  type Answer,
  NodesOfShards,
  partitionOf,
  type ShardNode,
} from '../../unit/shard/replicated/nodes-of-shards.ts';
import type { ReadsThreadData } from './replicated-reads-thread.ts';

const VALUES_MAX = 400_000;
const RUN_MS = 5000;
const NODES = ['a', 'b', 'c'];

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes, partitions and failovers by turns, while another thread reads. */
class Storm {
  readonly cluster = new NodesOfShards({ options: { shrinkAfterMs: 2000 } });
  readonly keys = Array.from({ length: 300 }, (_, index) => `key:${index}`);
  readonly told = new Int32Array(new SharedArrayBuffer(4 * this.keys.length));
  readonly answered = new Uint8Array(new SharedArrayBuffer(VALUES_MAX));
  readonly words = new Int32Array(new SharedArrayBuffer(16));
  readonly outcomes: (string | null)[] = [null];
  failovers = 0;
  readonly #random: (below: number) => number;
  #waiting: { node: ShardNode; answer: Answer; key: number; value: number }[] = [];
  #gone: { node: string; round: number } | null = null;
  #round = 0;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  round(): void {
    const { cluster } = this;
    this.#round++;
    this.#trouble();
    this.#write();
    // Before anything of this round happens: a lease never seems longer than it is.
    Atomics.store(this.words, 0, cluster.nowMs + 10);
    cluster.round();
    this.#look();
  }

  #write(): void {
    for (let count = this.#random(4); count > 0 && this.outcomes.length < VALUES_MAX; count--) {
      const key = this.#random(this.keys.length);
      const name = this.keys[key] as string;
      // Mostly to the primary; sometimes to one that takes itself for it.
      const entry = this.cluster.entry(partitionOf(name));
      const to = this.#gone !== null && this.#random(3) === 0 ? this.#gone.node : entry.primary;
      if (to === null) continue;
      const node = this.cluster.at(to);
      const value = this.outcomes.length;
      this.outcomes.push(null);
      const answer = node.send(`set ${name} ${value}`, true);
      this.#waiting.push({ node, answer, key, value });
    }
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ node, answer, key, value }) => {
      const outcome = node.outcome(answer);
      if (outcome === null) return true;
      this.outcomes[value] = outcome;
      if (outcome !== 'OK') return false;
      for (let known = Atomics.load(this.told, key); known < value; ) {
        known = Atomics.compareExchange(this.told, key, known, value);
      }
      return false;
    });
  }

  /** One node is cut off, fenced when its lease is over, and comes back. */
  #trouble(): void {
    const { cluster } = this;
    const lossy = this.#round % 40 < 15;
    cluster.isLost = () => lossy && this.#random(4) === 0;
    if (this.#gone === null) {
      if (this.#random(60) !== 0) return;
      const node = NODES[this.#random(3)] as string;
      this.#gone = { node, round: this.#round };
      cluster.cutOff.add(node);
      cluster.unaware.add(node);
      return;
    }
    const { node, round } = this.#gone;
    const rounds = this.#round - round;
    // Longer than a lease and a tenth more.
    if (rounds === 80) {
      cluster.fence(node);
      this.failovers++;
    }
    if (rounds < 110 + this.#random(40)) return;
    this.#gone = null;
    cluster.cutOff.delete(node);
    cluster.unaware.delete(node);
    cluster.apply({ type: 'unfence', node, boot: 1 });
  }
}

test('another thread never reads what was not acknowledged, nor what was written over, through failovers', async (t) => {
  const storm = new Storm(7);
  const { cluster, keys, told, answered, words } = storm;
  const workerData: ReadsThreadData = {
    nodes: [...cluster.nodes.values()].map(({ memory, gatesHandle }) => ({ memory, gates: gatesHandle })),
    keys,
    partitionOfKey: keys.map(partitionOf),
    told,
    answered,
    words,
  };
  const worker: Worker = spawnThread(new URL('./replicated-reads-thread.ts', import.meta.url), { workerData });
  const ended = new Promise<string>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const endAtMs = performance.now() + RUN_MS;
  while (performance.now() < endAtMs) {
    for (let count = 0; count < 20; count++) storm.round();
    await new Promise((resolve) => setImmediate(resolve));
  }
  Atomics.store(words, 1, 1);
  t.is(await ended, '');
  t.is(words[3], 0);
  let acknowledged = 0;
  for (const [value, outcome] of storm.outcomes.entries()) {
    if (outcome === 'OK') acknowledged++;
    // One whose outcome is not known may take effect later; one that was refused may not.
    else if (outcome?.startsWith('refused')) t.is(answered[value], 0, `value ${value} was answered`);
  }
  t.log(
    `${words[2]} reads, ${acknowledged} of ${storm.outcomes.length} writes acknowledged, ${storm.failovers} failovers`,
  );
  t.true((words[2] as number) > 1000);
  t.true(acknowledged > 100 && storm.failovers > 0);
});
