import { type PlacementNode, placePartitions } from '../src/routing/placement/placement.ts';
import { hashOfText, mix, PlacementRing } from '../src/routing/placement/ring.ts';
import { defineBench, numberListOption, numberOption } from './bench.ts';
import { type Report, type Summary, summarize, type Table } from './report.ts';

/**
 * How evenly partitions are placed on nodes and how many copies move when a node joins or leaves, against hashing on a
 * ring and rendezvous hashing, which know neither what is placed already nor how much a node holds. Each round has
 * nodes of other names, so that what hangs on luck shows as a range.
 */

const pointsPerNode = 160;
/** What a cluster has unless told otherwise, and enough for the balance of larger ones to mean something. */
const partitionsDefault = 64;
const partitionCounts: readonly (readonly [nodesMax: number, partitions: readonly number[]])[] = [
  [10, [partitionsDefault, 1024]],
  [100, [1024]],
  [Number.POSITIVE_INFINITY, [16_384]],
];

type Rows = readonly (readonly string[])[];
type Place = (current: Rows | null, nodes: readonly PlacementNode[], options: Options) => string[][];

interface Options {
  partitions: number;
  copies: number;
}

const ways: Readonly<Record<string, Place>> = {
  FluxCache: placePartitions,
  [`ring, ${pointsPerNode} points a node`]: (_, nodes, options) => ringPlacement(nodes, options),
  rendezvous: (_, nodes, options) => rendezvousPlacement(nodes, options),
};

export const bench = defineBench({
  options: {
    rounds: { doc: 'rounds; each has nodes of other names', default: '5' },
    nodes: { doc: 'numbers of nodes (commas between)', default: '3,5,10,100,1000' },
    copies: { doc: 'copies of each partition', default: '2' },
    quick: { doc: 'one round with few nodes, to see that the answers are right', default: false },
  },
  async run(options, report) {
    const rounds = options.quick ? 1 : numberOption('rounds', options.rounds, 1);
    const nodeCounts = options.quick ? [3, 10, 30] : numberListOption('nodes', options.nodes, 2);
    const copies = numberOption('copies', options.copies, 1);
    const equal = report.table(`Equal nodes, ${copies} copies`, columns);
    const mixed = report.table(`Weights 1 to 4, three zones, ${copies} copies`, columns);
    // Once before it counts, so that everything is compiled.
    for (const [name, place] of Object.entries(ways)) measure(name, place, nodesOf(50, 0, false), options512, report);
    for (const count of nodeCounts) {
      for (const partitions of partitionsFor(count)) {
        report.progress(`${count} nodes, ${partitions} partitions`);
        for (const [name, place] of Object.entries(ways)) {
          addRow(equal, name, place, { count, rounds, isMixed: false }, { partitions, copies }, report);
        }
        addRow(mixed, 'FluxCache', placePartitions, { count, rounds, isMixed: true }, { partitions, copies }, report);
      }
    }
    report.note('max/mean: the fullest node over the mean of all (with weights: over its own share by weight).');
    report.note(
      'moved: copies on a node that did not have them, in percent of all copies; fair: the share of the node',
    );
    report.note('that joins or leaves, below which none can be moved without imbalance. Zones cost some balance by');
    report.note('weight: a zone never holds two copies of a partition while another has none.');
  },
});

const options512: Options = { partitions: 512, copies: 2 };

const columns = [
  { name: 'way' },
  { name: 'nodes', digits: 0 },
  { name: 'partitions', digits: 0 },
  { name: 'copies max/mean' },
  { name: 'primaries max/mean' },
  { name: 'join: moved %' },
  { name: 'join: fair %' },
  { name: 'leave: moved %' },
  { name: 'leave: fair %' },
  { name: 'place ms', digits: 1 },
  { name: 'join ms', digits: 1 },
];

interface Sample {
  readonly copiesMax: number;
  readonly primariesMax: number;
  readonly joinMoved: number;
  readonly joinFair: number;
  readonly leaveMoved: number;
  readonly leaveFair: number;
  readonly placeMs: number;
  readonly joinMs: number;
}

function addRow(
  table: Table,
  name: string,
  place: Place,
  { count, rounds, isMixed }: { count: number; rounds: number; isMixed: boolean },
  options: Options,
  report: Report,
): void {
  const samples = Array.from({ length: rounds }, (_, round) => {
    return measure(name, place, nodesOf(count, round, isMixed), options, report);
  });
  const of = (figure: keyof Sample): Summary => summarize(samples.map((sample) => sample[figure]));
  const shares = [of('joinMoved'), of('joinFair').median, of('leaveMoved'), of('leaveFair').median];
  const times = [of('placeMs'), of('joinMs')];
  table.row(name, count, options.partitions, of('copiesMax'), of('primariesMax'), ...shares, ...times);
}

/** Places all nodes but the last, lets it join, and the first leave. */
function measure(name: string, place: Place, all: readonly PlacementNode[], options: Options, report: Report): Sample {
  const nodes = all.slice(0, -1);
  const timed = (current: Rows | null, some: readonly PlacementNode[]) => {
    const before = performance.now();
    const rows = place(current, some, options);
    const ms = performance.now() - before;
    const copies = Math.min(options.copies, some.length);
    const isWhole = rows.every((row) => row.length === copies && new Set(row).size === copies);
    report.check(isWhole && rows.length === options.partitions, `${name}: partitions without their copies`);
    return { rows, ms, total: copies * options.partitions };
  };
  const placed = timed(null, nodes);
  const joined = timed(placed.rows, all);
  const left = timed(placed.rows, nodes.slice(1));
  const [first] = nodes as [PlacementNode, ...PlacementNode[]];
  const last = all.at(-1) as PlacementNode;
  return {
    copiesMax: fullest(placed.rows, nodes),
    primariesMax: fullest(
      placed.rows.map((row) => row.slice(0, 1)),
      nodes,
    ),
    joinMoved: (100 * arrivals(placed.rows, joined.rows)) / joined.total,
    joinFair: (100 * last.weight) / weightOf(all),
    leaveMoved: (100 * arrivals(placed.rows, left.rows)) / placed.total,
    leaveFair: (100 * first.weight) / weightOf(nodes),
    placeMs: placed.ms,
    joinMs: joined.ms,
  };
}

/** One node more than `count`: the one that joins. */
function nodesOf(count: number, round: number, isMixed: boolean): PlacementNode[] {
  return Array.from({ length: count + 1 }, (_, index) => ({
    id: `round-${round}-node-${index}`,
    weight: isMixed ? 1 + (mix(index) % 4) : 1,
    zone: isMixed ? `zone-${index % 3}` : null,
  }));
}

function partitionsFor(nodes: number): readonly number[] {
  return partitionCounts.find(([nodesMax]) => nodes <= nodesMax)?.[1] ?? [];
}

/** What the fullest node holds over its share. */
function fullest(rows: Rows, nodes: readonly PlacementNode[]): number {
  const held = new Map<string, number>();
  for (const row of rows) for (const id of row) held.set(id, (held.get(id) ?? 0) + 1);
  const total = rows.reduce((sum, row) => sum + row.length, 0);
  const weight = weightOf(nodes);
  return Math.max(...nodes.map((node) => (held.get(node.id) ?? 0) / ((total * node.weight) / weight)));
}

function arrivals(before: Rows, after: Rows): number {
  let count = 0;
  for (const [partition, row] of after.entries()) {
    for (const id of row) if (!before[partition]?.includes(id)) count++;
  }
  return count;
}

function weightOf(nodes: readonly PlacementNode[]): number {
  return nodes.reduce((sum, node) => sum + node.weight, 0);
}

/** Copies on the first nodes met on the ring. */
function ringPlacement(nodes: readonly PlacementNode[], { partitions, copies }: Options): string[][] {
  const ids = nodes.map((node) => node.id);
  const ring = new PlacementRing(
    ids,
    nodes.map((node) => node.weight),
    pointsPerNode,
  );
  return Array.from({ length: partitions }, (_, partition) => {
    const row: number[] = [];
    while (row.length < Math.min(copies, ids.length)) row.push(ring.first(partition, (node) => !row.includes(node)));
    return row.map((node) => ids[node] as string);
  });
}

/** Copies on the nodes whose hash with the partition is highest. Source: Thaler and Ravishankar (1998). */
function rendezvousPlacement(nodes: readonly PlacementNode[], { partitions, copies }: Options): string[][] {
  const hashes = nodes.map((node) => hashOfText(node.id));
  return Array.from({ length: partitions }, (_, partition) => {
    const scores = hashes.map((hash) => mix(mix(partition) ^ hash));
    const row: number[] = [];
    while (row.length < Math.min(copies, nodes.length)) {
      let best = -1;
      for (let node = 0; node < scores.length; node++) {
        if (!row.includes(node) && (best < 0 || (scores[node] as number) > (scores[best] as number))) best = node;
      }
      row.push(best);
    }
    return row.map((node) => (nodes[node] as PlacementNode).id);
  });
}
