import { unreachable } from '../../base/assert.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import type { ClusterCommand } from './cluster-command.ts';
import type { ClusterState } from './cluster-state.ts';
import { decodeCommand } from './command-codec.ts';
import { drain, fence, register, remove, resume, stop, unfence } from './node-commands.ts';
import { applied, type Outcome, refused } from './outcome.ts';
import { alterInSync, handOver, lose, place, reset } from './partition-commands.ts';
import { begunIfDue, mapPartitions, uncreatedPartition } from './partition-entry.ts';
import { validateSettings } from './settings.ts';
import { validateTransition } from './validate-state.ts';

/**
 * The state machine of the configuration: what a committed command makes of the state. The same on every node, whatever
 * the command: one that does not hold is refused and leaves the state as it is, the very same object.
 *
 * What was not changed is shared with the state before; comparing entries by identity finds what was.
 */
export function applyCommand(state: ClusterState, command: ClusterCommand): Outcome {
  const outcome = outcomeOf(state, command);
  if (outcome.state !== state) validateTransition(state, outcome.state);
  return outcome;
}

/**
 * What an entry of the log makes of the state. One that cannot be read is refused like any other that does not hold: it
 * is committed, the same for all, and must not stop every node for ever. (A node that can read what others cannot, of a
 * later version, would go its own way: a new kind of command may be proposed only once all nodes know it.)
 */
export function applyPayload(state: ClusterState, payload: Uint8Array): Outcome {
  let command: ClusterCommand;
  try {
    command = decodeCommand(payload);
  } catch (error) {
    if (error instanceof DecodeError) return refused(state, `the command cannot be read: ${error.message}`);
    throw error;
  }
  return applyCommand(state, command);
}

function outcomeOf(state: ClusterState, command: ClusterCommand): Outcome {
  switch (command.type) {
    case 'create':
      return create(state, command);
    case 'register':
      return register(state, command);
    case 'fence':
      return fence(state, command);
    case 'unfence':
      return unfence(state, command);
    case 'alter-in-sync':
      return alterInSync(state, command);
    case 'hand-over':
      return handOver(state, command);
    case 'lose':
      return lose(state, command);
    case 'place':
      return place(state, command);
    case 'drain':
      return drain(state, command);
    case 'remove':
      return remove(state, command);
    case 'reset':
      return reset(state, command);
    case 'set-settings':
      return setSettings(state, command);
    case 'stop':
      return stop(state, command);
    case 'resume':
      return resume(state, command);
    default:
      return unreachable(command);
  }
}

function create(state: ClusterState, { settings }: Extract<ClusterCommand, { type: 'create' }>): Outcome {
  if (state.settings !== null) return refused(state, 'the cluster exists already; its settings can be changed');
  const { refusal } = validateSettings(settings, state.nodes.size);
  if (refusal !== null) return refused(state, refusal);
  const partitions = Array.from({ length: settings.partitions }, () => uncreatedPartition);
  return applied({ ...state, settings, partitions });
}

function setSettings(state: ClusterState, command: Extract<ClusterCommand, { type: 'set-settings' }>): Outcome {
  if (state.settings === null) return refused(state, 'there is no cluster yet; create it with these settings');
  const { copies, minInSync, onLoss } = command;
  const settings = { ...state.settings, copies, minInSync, onLoss };
  const { refusal } = validateSettings(settings, state.nodes.size);
  if (refusal !== null) return refused(state, refusal);
  const next = { ...state, settings };
  // Partitions that were lost before begin empty now, if that is what is wanted from now on.
  return applied({ ...next, partitions: mapPartitions(state.partitions, (entry) => begunIfDue(entry, next)) });
}
