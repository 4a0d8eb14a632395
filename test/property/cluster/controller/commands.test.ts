import test from 'ava';
import fc from 'fast-check';
import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterState,
  emptyClusterState,
  noEndpoints,
  type PartitionEntry,
} from '../../../../src/cluster/controller/cluster-state.ts';
import { decodeCommand, encodeCommand } from '../../../../src/cluster/controller/command-codec.ts';
import { degradation } from '../../../../src/cluster/controller/degradation.ts';
import { decodeState, encodeState } from '../../../../src/cluster/controller/state-codec.ts';
import { validateState } from '../../../../src/cluster/controller/validate-state.ts';
import { FRESH, isSameMember, type Member, memberOf, type NodeId } from '../../../../src/cluster/identity.ts';
import { command as anyCommand } from '../../../cluster-arbitraries.ts';
import { testScale } from '../../../scale.ts';

const NODES = ['a', 'b', 'c', 'd', 'e'];
const numRuns = 400 * testScale;

/** A command that fits the state more often than not; `lag` makes some of them stale. */
interface Draw {
  readonly kind: number;
  readonly node: number;
  readonly partition: number;
  readonly choice: number;
  readonly lag: number;
}

const draws = fc.array(
  fc.record<Draw>({
    kind: fc.nat(99),
    node: fc.nat(NODES.length - 1),
    partition: fc.nat(3),
    choice: fc.nat(2 ** 20),
    lag: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) }),
  }),
  { minLength: 20, maxLength: 120 },
);

/** Some of the items, by the bits of `choice`. */
function someOf<Item>(items: readonly Item[], choice: number): Item[] {
  return items.filter((_, index) => (choice >> index) % 2 === 1);
}

function rotated(items: readonly NodeId[], by: number): NodeId[] {
  return items.map((_, index) => items[(index + by) % items.length] ?? '');
}

/** What somebody who sees `state`, which may be an old one, would ask for. */
function commandOf({ kind, node: nodeNumber, partition, choice }: Draw, state: ClusterState): ClusterCommand {
  const node = NODES[nodeNumber] ?? 'a';
  const boot = state.nodes.get(node)?.boot ?? 0;
  const entry = state.partitions[partition];
  if (kind < 14) {
    const next = Math.max(0, boot + ([0, 1, 1, 1, -1][choice % 5] ?? 0));
    return {
      type: 'register',
      node,
      boot: next,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: choice % 2 ? 'z' : null,
      partitions: choice % 3 ? null : 1 + (choice % 4),
    };
  }
  if (kind < 22) return { type: 'fence', node, boot };
  if (kind < 24) return { type: 'stop', node, boot, isOver: choice % 2 === 0 };
  if (kind < 25) return { type: 'resume', node, boot };
  if (kind < 36) return { type: 'unfence', node, boot };
  if (kind < 39) return { type: 'drain', node, boot, isDraining: choice % 2 === 0, leaves: choice % 4 === 0 };
  if (kind < 42) return { type: 'remove', node };
  if (kind < 47) return { type: 'reset', partition, version: entry?.version ?? 0, givesUp: choice % 2 === 0 };
  if (kind < 49) {
    const onLoss = choice % 2 ? 'reset' : 'offline';
    return { type: 'set-settings', copies: 1 + (choice % 3), minInSync: 1 + ((choice >> 2) % 3), onLoss };
  }
  if (entry === undefined || kind < 51) {
    const onLoss = choice % 2 ? 'reset' : 'offline';
    return { type: 'create', settings: { partitions: 3, leaseMs: 700, copies: 2, minInSync: 1, onLoss } };
  }
  if (kind < 62) {
    const replicas = rotated([...state.nodes.keys()], choice % 5).slice(0, 1 + (choice % 3));
    return { type: 'place', moves: [{ partition, version: entry.version, replicas }] };
  }
  if (kind < 70) {
    const held = memberOf(entry.inSync, node);
    const generation = (held?.generation ?? 0) + (choice % 2);
    return { type: 'lose', partition, epoch: entry.epoch, member: { node, boot, generation } };
  }
  const by = memberOf(entry.inSync, entry.primary ?? '') ?? { node, boot, generation: 0 };
  const { epoch, version } = entry;
  if (kind < 78) {
    const to = choice % 4 === 0 ? node : (entry.inSync[choice % entry.inSync.length]?.node ?? node);
    return { type: 'hand-over', partition, by, epoch, version, to };
  }
  const candidates = entry.replicas.map((id): Member => {
    return { node: id, boot: state.nodes.get(id)?.boot ?? 0, generation: choice % 4 };
  });
  const joining = someOf(candidates, choice).filter((other) => memberOf(entry.inSync, other.node) === undefined);
  const staying = someOf(entry.inSync, choice >> 8).filter((other) => other.node !== by.node);
  return { type: 'alter-in-sync', partition, by, epoch, version, members: [by, ...staying, ...joining] };
}

/** Most histories begin with a cluster that is there. */
const founding: readonly Draw[] = [0, 1, 2, 3, 4, 5].map((node) => {
  return { kind: node < 4 ? 0 : 50, node, partition: 0, choice: 1, lag: 0 };
});

interface Step {
  readonly before: ClusterState;
  readonly command: ClusterCommand;
  readonly refusal: string | null;
  readonly after: ClusterState;
}

/** Runs the commands that come of the draws, the late ones on what was seen some steps ago. */
function steps(drawn: readonly Draw[]): Step[] {
  const seen = [emptyClusterState];
  const taken: Step[] = [];
  const isFounded = (drawn[0]?.choice ?? 0) % 8 > 0;
  for (const draw of isFounded ? [...founding, ...drawn] : drawn) {
    const before = seen.at(-1) ?? emptyClusterState;
    const command = commandOf(draw, seen.at(-1 - draw.lag) ?? before);
    const { state, refusal } = applyCommand(before, command);
    taken.push({ before, command, refusal, after: state });
    seen.push(state);
  }
  return taken;
}

function checkEach(check: (t: Step) => void): void {
  fc.assert(
    fc.property(draws, (drawn) => {
      for (const step of steps(drawn)) check(step);
    }),
    { numRuns },
  );
}

function changes({ before, after }: Step): { was: PartitionEntry; is: PartitionEntry }[] {
  return after.partitions.flatMap((is, number) => {
    const was = before.partitions[number];
    return was === undefined || was === is ? [] : [{ was, is }];
  });
}

test('the commands drawn reach what they are to test', (t) => {
  const counts = new Map<string, number>();
  for (const drawn of fc.sample(draws, { numRuns: 400, seed: 1 })) {
    for (const step of steps(drawn)) {
      const outcome = `${step.command.type} ${step.refusal === null ? 'applied' : 'refused'}`;
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      for (const { was, is } of changes(step)) {
        if (is.losses > was.losses) counts.set('losses', (counts.get('losses') ?? 0) + 1);
        if (is.inSync.length > 2) counts.set('three in sync', (counts.get('three in sync') ?? 0) + 1);
      }
    }
  }
  const types = 'register fence unfence drain remove reset set-settings create place lose hand-over alter-in-sync';
  for (const type of types.split(' ')) {
    t.true((counts.get(`${type} applied`) ?? 0) > 4, `${type} applied: ${counts.get(`${type} applied`)}`);
    t.true((counts.get(`${type} refused`) ?? 0) > 10, `${type} refused`);
  }
  t.true((counts.get('losses') ?? 0) > 10);
  t.true((counts.get('three in sync') ?? 0) > 10);
});

test('every state reached is sound, and a refused command leaves the very same', (t) => {
  checkEach(({ before, refusal, after }) => {
    validateState(after);
    if (refusal !== null) {
      t.is(after, before);
      t.regex(refusal, /.{12}/);
    }
  });
});

test('no primary is fenced, and none is outside the in-sync set or of another boot', (t) => {
  checkEach(({ after }) => {
    for (const { primary, inSync } of after.partitions) {
      if (primary === null) continue;
      const node = after.nodes.get(primary);
      t.is(node?.isFenced, false);
      t.is(memberOf(inSync, primary)?.boot, node?.boot);
    }
  });
});

test('a new primary was in the committed in-sync set as the same copy, unless the partition began empty', (t) => {
  checkEach((step) => {
    for (const { was, is } of changes(step)) {
      if (is.epoch === was.epoch) t.true(is.primary === was.primary || is.primary === null);
      const { primary } = is;
      if (is.epoch === was.epoch || primary === null) continue;
      const heir = memberOf(is.inSync, primary);
      if (heir === undefined) return t.fail('a primary out of sync');
      const begun = is.resetEpoch === is.epoch;
      if (begun) t.is(heir.generation, FRESH);
      else t.true(was.inSync.some((member) => isSameMember(member, heir)));
      if (begun && was.epoch > 0) t.true(is.losses > was.losses || was.inSync.length === 0);
    }
  });
});

test('an epoch has one primary', (t) => {
  fc.assert(
    fc.property(draws, (drawn) => {
      const primaries = new Map<string, NodeId>();
      for (const { after } of steps(drawn)) {
        for (const [number, { epoch, primary }] of after.partitions.entries()) {
          const known = primaries.get(`${number} ${epoch}`);
          if (known !== undefined && primary !== null) t.is(primary, known);
          if (primary !== null) primaries.set(`${number} ${epoch}`, primary);
        }
      }
    }),
    { numRuns },
  );
});

test('whatever changes raises the version by one, and nothing goes back', (t) => {
  checkEach((step) => {
    for (const { was, is } of changes(step)) {
      t.is(is.version, was.version + 1);
      t.true(is.epoch === was.epoch || is.epoch === was.epoch + 1);
      t.true(is.resetEpoch >= was.resetEpoch && is.losses >= was.losses);
      if (is.inSync.length === 0 && was.inSync.length > 0) t.is(is.losses, was.losses + 1);
    }
  });
});

test('what was decided on another version of the entry is refused', (t) => {
  checkEach(({ before, command, refusal }) => {
    if (command.type === 'alter-in-sync' || command.type === 'hand-over') {
      const entry = before.partitions[command.partition];
      if (entry?.version !== command.version || entry.epoch !== command.epoch) t.not(refusal, null);
    }
    if (command.type === 'place') {
      const isStale = command.moves.some((move) => before.partitions[move.partition]?.version !== move.version);
      if (isStale) t.not(refusal, null);
    }
  });
});

test('a node in sync is dropped only by its fencing, its next start, its own word, the primary or a reset', (t) => {
  checkEach((step) => {
    const { command } = step;
    for (const { was, is } of changes(step)) {
      for (const member of was.inSync) {
        if (is.inSync.some((other) => isSameMember(other, member))) continue;
        if (command.type === 'fence' || command.type === 'register' || command.type === 'stop') {
          t.is(command.node, member.node);
        } else if (command.type === 'lose') t.is(command.member.node, member.node);
        else if (command.type === 'alter-in-sync') t.true(command.by.node === was.primary);
        else t.is(command.type, 'reset');
      }
    }
  });
});

test('the same commands make the same state again, also through their bytes and from a snapshot in between', (t) => {
  fc.assert(
    fc.property(draws, fc.nat(), (drawn, cut) => {
      const taken = steps(drawn);
      const at = cut % taken.length;
      let replayed = decodeState(encodeState(taken[at]?.before ?? emptyClusterState));
      for (const { command, refusal } of taken.slice(at)) {
        const outcome = applyCommand(replayed, decodeCommand(encodeCommand(command)));
        t.is(outcome.refusal, refusal);
        replayed = outcome.state;
      }
      const last = taken.at(-1)?.after ?? emptyClusterState;
      t.deepEqual(replayed, last);
      t.deepEqual([...replayed.nodes.keys()], [...last.nodes.keys()]);
      t.deepEqual(encodeState(replayed), encodeState(last));
    }),
    { numRuns: numRuns / 2 },
  );
});

test('a state with every copy in place lacks nothing, and one without says so', (t) => {
  checkEach(({ after }) => {
    const { settings } = after;
    if (settings === null) return;
    const isWhole =
      [...after.nodes.values()].every((node) => !node.isFenced && !node.isDraining) &&
      after.nodes.size >= settings.copies &&
      after.partitions.every((entry) => entry.primary !== null && entry.inSync.length >= settings.copies);
    t.is(degradation(after).length === 0, isWhole);
  });
});

test('no command that can be read breaks the state machine', (t) => {
  fc.assert(
    fc.property(draws, fc.array(anyCommand, { minLength: 1, maxLength: 5 }), (drawn, commands) => {
      let state = steps(drawn).at(-1)?.after ?? emptyClusterState;
      for (const command of commands) {
        // Aimed at what is there, so that not only names are refused.
        const aimed = 'partition' in command ? { ...command, partition: command.partition % 3 } : command;
        if (aimed.type === 'create' && aimed.settings.partitions > 100) continue;
        state = applyCommand(state, aimed).state;
      }
      validateState(state);
    }),
    { numRuns },
  );
  t.pass();
});
