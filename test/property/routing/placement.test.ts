import test from 'ava';
import fc from 'fast-check';
import { type PlacementNode, placementMoves, placePartitions } from '../../../src/routing/placement/placement.ts';
import { arrivals, copiesOf, faultOf, primariesOf, type Rows, sharesOf, sumOf } from '../../placement-checks.ts';
import { testScale } from '../../scale.ts';

interface Shape {
  readonly weights: boolean;
  readonly zones: boolean;
}

const plain: Shape = { weights: false, zones: false };

function nodeOf(shape: Shape): fc.Arbitrary<Omit<PlacementNode, 'id'>> {
  return fc.record({
    weight: shape.weights ? fc.integer({ min: 1, max: 8 }) : fc.constant(1),
    zone: shape.zones ? fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { freq: 8 }) : fc.constant(null),
  });
}

function clusterOf(shape: Shape, nodesMax = 16): fc.Arbitrary<PlacementNode[]> {
  return fc
    .array(nodeOf(shape), { minLength: 1, maxLength: nodesMax })
    .map((nodes) => nodes.map((node, index) => ({ ...node, id: `node-${index}` })));
}

const copies = fc.integer({ min: 1, max: 4 });
const anyOptions = fc.record({ partitions: fc.integer({ min: 1, max: 200 }), copies });
/** With fewer partitions there may be none left that the right node could take without others' moving. */
const enoughPartitions = fc.record({ partitions: fc.integer({ min: 64, max: 300 }), copies });

type Event =
  | { readonly type: 'join'; readonly node: Omit<PlacementNode, 'id'> }
  | { readonly type: 'leave'; readonly which: number }
  | { readonly type: 'reweigh'; readonly which: number; readonly weight: number };

function eventOf(shape: Shape): fc.Arbitrary<Event> {
  const join = fc.record({ type: fc.constant('join' as const), node: nodeOf(shape) });
  const leave = fc.record({ type: fc.constant('leave' as const), which: fc.nat(999) });
  const reweigh = fc.record({
    type: fc.constant('reweigh' as const),
    which: fc.nat(999),
    weight: fc.integer({ min: 1, max: 8 }),
  });
  return shape.weights ? fc.oneof(join, leave, reweigh) : fc.oneof(join, leave);
}

const everyShape = fc.record({ weights: fc.boolean(), zones: fc.boolean() });
const history = (shape: Shape) => fc.array(eventOf(shape), { maxLength: 25 });

interface Change {
  readonly before: Rows;
  readonly after: string[][];
  readonly nodes: readonly PlacementNode[];
  readonly joined: PlacementNode | null;
  readonly left: PlacementNode | null;
}

/** Places the cluster and then again after each event; `seen` is called with each change. */
function live(
  first: readonly PlacementNode[],
  events: readonly Event[],
  options: { partitions: number; copies: number },
  seen: (change: Change) => void,
): void {
  let nodes = [...first];
  let rows = placePartitions(null, nodes, options);
  for (const [index, event] of events.entries()) {
    let joined: PlacementNode | null = null;
    let left: PlacementNode | null = null;
    if (event.type === 'join') {
      joined = { ...event.node, id: `joined-${index}` };
      nodes = [...nodes, joined];
    } else {
      const node = nodes[event.which % nodes.length] as PlacementNode;
      if (event.type === 'leave') {
        if (nodes.length === 1) continue;
        left = node;
        nodes = nodes.filter((other) => other !== node);
      } else {
        nodes = nodes.map((other) => (other === node ? { ...node, weight: event.weight } : other));
      }
    }
    const after = placePartitions(rows, nodes, options);
    seen({ before: rows, after, nodes, joined, left });
    rows = after;
  }
}

test('a first placement gives every node its share of copies and primaries by weight, rounded up or down', (t) => {
  fc.assert(
    fc.property(clusterOf({ weights: true, zones: false }), anyOptions, (nodes, options) => {
      const { partitions, copies } = options;
      const rows = placePartitions(null, nodes, options);
      t.is(faultOf(rows, nodes, partitions, copies), null);
      const shares = sharesOf(nodes, partitions * Math.min(copies, nodes.length), partitions);
      const primaryShares = sharesOf(nodes, partitions, partitions);
      for (const { id } of nodes) {
        t.true(Math.abs(copiesOf(rows, id) - (shares.get(id) as number)) < 1 + 1e-6);
        t.true(Math.abs(primariesOf(rows, id) - (primaryShares.get(id) as number)) < 1 + 1e-6);
      }
    }),
    { numRuns: 150 * testScale },
  );
});

test('copies are on different nodes, and in as many zones as there are, whatever came before', (t) => {
  const run = everyShape.chain((shape) => fc.tuple(clusterOf(shape), history(shape), anyOptions));
  fc.assert(
    fc.property(run, ([nodes, events, options]) => {
      t.is(faultOf(placePartitions(null, nodes, options), nodes, options.partitions, options.copies), null);
      live(nodes, events, options, (change) => {
        t.is(faultOf(change.after, change.nodes, options.partitions, options.copies), null);
      });
    }),
    { numRuns: 100 * testScale },
  );
});

test('however often nodes join, leave and change weight, copies and primaries stay within 5% of their shares', (t) => {
  const shape = { weights: true, zones: false };
  fc.assert(
    fc.property(clusterOf(shape), history(shape), enoughPartitions, (first, events, options) => {
      const { partitions, copies } = options;
      live(first, events, options, ({ after, nodes }) => {
        const shares = sharesOf(nodes, partitions * Math.min(copies, nodes.length), partitions);
        const primaryShares = sharesOf(nodes, partitions, partitions);
        for (const { id } of nodes) {
          assertNear(t, copiesOf(after, id), shares.get(id) as number);
          assertNear(t, primariesOf(after, id), primaryShares.get(id) as number);
        }
      });
    }),
    { numRuns: 60 * testScale },
  );
});

function assertNear(t: { true(value: boolean, message?: string): unknown }, count: number, share: number): void {
  const whole = Math.floor(share * 0.05 + 1e-6);
  const isNear = count >= Math.floor(share + 1e-6) - whole && count <= Math.ceil(share - 1e-6) + whole;
  t.true(isNear, `${count} of a share of ${share}`);
}

test('a node that joins equals takes its share and no more, and nothing else moves', (t) => {
  fc.assert(
    fc.property(clusterOf(plain), history(plain), enoughPartitions, (first, events, options) => {
      live(first, events, options, ({ before, after, nodes, joined }) => {
        if (joined === null) return;
        const to = arrivals(before, after);
        // While there are fewer nodes than copies, every node gets all.
        const share = (options.partitions * Math.min(options.copies, nodes.length)) / nodes.length;
        t.true((to.get(joined.id) ?? 0) >= Math.floor(share));
        t.true((to.get(joined.id) ?? 0) <= Math.ceil(share));
        t.is(sumOf(to), to.get(joined.id) ?? 0);
      });
    }),
    { numRuns: 100 * testScale },
  );
});

test('of equals, when one leaves, its copies move and no others; nobody else stops being a replica', (t) => {
  fc.assert(
    fc.property(clusterOf(plain), history(plain), enoughPartitions, (first, events, options) => {
      live(first, events, options, ({ before, after, nodes, left }) => {
        if (left === null) return;
        const lost = nodes.length < options.copies ? 0 : copiesOf(before, left.id);
        t.is(sumOf(arrivals(before, after)), lost);
        t.is(sumOf(arrivals(after, before)), copiesOf(before, left.id));
      });
    }),
    { numRuns: 100 * testScale },
  );
});

test('with zones and weights too, joining and leaving move hardly more than what joined and what left', (t) => {
  // Zones that are all needed, or of very unequal weight, can force more: here there are four, and copies for two.
  const node = fc.record({ weight: fc.integer({ min: 2, max: 3 }), zone: fc.constantFrom('a', 'b', 'c', 'd') });
  const join = fc.record({ type: fc.constant('join' as const), node });
  const leave = fc.record({ type: fc.constant('leave' as const), which: fc.nat(999) });
  const seed = ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd', 'a', 'b', 'c', 'd'];
  const first = seed.map((zone, index) => ({ id: `node-${index}`, weight: 2, zone }));
  const options = { partitions: 128, copies: 2 };
  let moved = 0;
  let needed = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(join, leave), { maxLength: 10 }), (events) => {
      live(first, events, options, ({ before, after, joined, left }) => {
        const to = arrivals(before, after);
        moved += sumOf(to);
        if (joined !== null) needed += to.get(joined.id) ?? 0;
        if (left !== null) needed += copiesOf(before, left.id);
      });
    }),
    { numRuns: 60 * testScale },
  );
  t.true(moved <= needed * 1.01, `${moved} moves where ${needed} were needed`);
});

test('the order of the nodes means nothing, and placed again with the same nodes nothing moves', (t) => {
  const run = everyShape.chain((shape) => {
    return fc.tuple(
      clusterOf(shape).chain((nodes) =>
        fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length })),
      ),
      clusterOf(shape),
      anyOptions,
    );
  });
  fc.assert(
    fc.property(run, ([[nodes, shuffled], earlier, options]) => {
      const fresh = placePartitions(null, nodes, options);
      t.deepEqual(placePartitions(null, shuffled, options), fresh);
      const renamed = earlier.map((node, index) => (index % 2 === 0 ? node : { ...node, id: `gone-${index}` }));
      const current = placePartitions(null, renamed, options);
      const changed = placePartitions(current, nodes, options);
      t.deepEqual(placePartitions(current, shuffled, options), changed);
      t.deepEqual(placePartitions(changed, shuffled, options), changed);
    }),
    { numRuns: 100 * testScale },
  );
});

test('any current rows are made whole, and the moves say what has to change', (t) => {
  const ids = ['node-0', 'node-1', 'node-2', 'node-3', 'node-4', 'stranger'];
  const run = fc.tuple(
    clusterOf({ weights: true, zones: true }, 6),
    fc.array(fc.array(fc.constantFrom(...ids), { maxLength: 5 }), { minLength: 1, maxLength: 80 }),
    copies,
  );
  fc.assert(
    fc.property(run, ([nodes, current, copies]) => {
      const partitions = current.length;
      const wanted = placePartitions(current, nodes, { partitions, copies });
      t.is(faultOf(wanted, nodes, partitions, copies), null);
      const changed: (readonly string[])[] = [...current];
      for (const { partition, replicas } of placementMoves(current, wanted)) {
        t.notDeepEqual(changed[partition], replicas);
        changed[partition] = replicas;
      }
      t.deepEqual(changed, wanted);
    }),
    { numRuns: 200 * testScale },
  );
});
