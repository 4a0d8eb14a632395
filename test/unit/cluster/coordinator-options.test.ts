import test from 'ava';
import { noEndpoints } from '../../../src/cluster/controller/cluster-state.ts';
import { DEFAULT_LEASE_MS } from '../../../src/cluster/controller/settings.ts';
import {
  coordinatorOptionsFault,
  defaultCoordinatorOptions,
  type RaftCoordinatorOptions,
} from '../../../src/cluster/coordinator-options.ts';

const settings = { partitions: 64, leaseMs: DEFAULT_LEASE_MS, copies: 3, minInSync: 2, onLoss: 'offline' } as const;
const good: RaftCoordinatorOptions = {
  ...defaultCoordinatorOptions,
  node: 'a',
  boot: 1,
  address: 'a:7000',
  endpoints: noEndpoints,
  weight: 1,
  zone: null,
  partitions: null,
  seeds: ['a', 'b', 'c'],
  settings,
  random: { nextUint32: () => 0 },
};

function fault(changed: Partial<RaftCoordinatorOptions>): string | null {
  return coordinatorOptionsFault({ ...good, ...changed });
}

function controllerFault(changed: Partial<RaftCoordinatorOptions['controller']>): string | null {
  return fault({ controller: { ...good.controller, ...changed } });
}

test('the defaults hold together, for founders and for nodes that join', (t) => {
  t.is(fault({}), null);
  t.is(fault({ settings: null, seeds: [] }), null);
  t.is(controllerFault({ giveUpAfterMs: Number.POSITIVE_INFINITY, movesMax: 4, votersMax: 1, drift: 0 }), null);
});

test('a node that could not register is refused at its start', (t) => {
  t.regex(fault({ node: 'Bad Name' }) ?? '', /no name of a node/);
  t.regex(fault({ zone: 'z'.repeat(80) }) ?? '', /zone of node a/);
  t.regex(fault({ weight: 0 }) ?? '', /weight of node a is 0/);
  t.is(fault({ seeds: ['b', 'C'] }), "seeds has 'C', which is no name of a node");
});

test('settings that no cluster can be created with are refused', (t) => {
  t.regex(fault({ settings: { ...settings, copies: 100 } }) ?? '', /^copies is 100; allowed/);
});

test('times that cannot work are refused with a reason', (t) => {
  t.is(
    fault({ heartbeatMs: 234 }),
    'heartbeatMs is 234; it must be less than a third of leaseMs, which is 700, so that heartbeats may get lost',
  );
  t.is(fault({ heartbeatMs: 233 }), null);
  t.is(fault({ heartbeatMs: 0 }), 'heartbeatMs is 0; it must be a number above 0');
  t.is(fault({ createAfterMs: Number.NaN }), 'createAfterMs is NaN; it must be a number above 0');
  t.is(fault({ resendMs: 3000 }), 'resendMs is 3000; it must be less than requestTimeoutMs, which is 3000');
  t.is(fault({ compactAfterEntries: 0.5 }), 'compactAfterEntries is 0.5; it must be a whole number above 0');
  t.regex(fault({ raft: { ...good.raft, heartbeatMs: 1000 } }) ?? '', /half of the shortest election timeout/);
});

test('what the controller cannot work with is refused with a reason', (t) => {
  t.regex(controllerFault({ drift: -0.1 }) ?? '', /^drift is -0.1; it must be at least 0 and below 1/);
  t.regex(controllerFault({ drift: 1 }) ?? '', /^drift is 1;/);
  t.is(controllerFault({ votersMax: 0 }), 'votersMax is 0; it must be a whole number from 1 to 7');
  t.is(controllerFault({ votersMax: 8 }), 'votersMax is 8; it must be a whole number from 1 to 7');
  t.is(controllerFault({ movesMax: 0 }), 'movesMax is 0; it must be a whole number above 0, or null');
  t.is(controllerFault({ proposalTimeoutMs: 0 }), 'proposalTimeoutMs is 0; it must be a number above 0');
  t.is(controllerFault({ rebuildAfterMs: -1 }), 'rebuildAfterMs is -1; it must be above 0, or Infinity for never');
});
