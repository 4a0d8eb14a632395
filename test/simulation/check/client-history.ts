import { assert } from '../../../src/base/assert.ts';
import type { OperationInput, OperationOutput } from '../witness.ts';
import { type Call, History, type Operation, type Outcome } from './history.ts';
import { checkLinearizable } from './linearizability.ts';
import { violate } from './violation.ts';

/** A client's number for what nodes evict by themselves. */
const EVICTION = -1;

/** What clients were told, as a history: weak reads are left out, writes of weak levels may always be lost. */
export class ClientHistory {
  readonly #history = new History();
  readonly #partitions: number;
  /** By the number given out: the operation in the history, if it belongs there. */
  readonly #operations: { readonly input: OperationInput; readonly number: number | null }[] = [];

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  get operations(): readonly Operation[] {
    return this.#history.operations;
  }

  invoked(client: number, input: OperationInput, nowMs: number): number {
    const isWeak = input.kind === 'get' && input.level.type !== 'primary';
    const name = client === EVICTION ? 'eviction' : `client ${client}`;
    const partition = input.key % this.#partitions;
    const number = isWeak ? null : this.#history.invoke(name, partition, String(input.key), callOf(input), nowMs);
    return this.#operations.push({ input, number }) - 1;
  }

  completed(operation: number, output: OperationOutput, nowMs: number): void {
    const known = this.#operations[operation];
    assert(known !== undefined, 'what is completed was invoked');
    if (known.number !== null) this.#history.settle(known.number, outcomeOf(known.input, output), nowMs);
  }

  /** The partition begins empty at this very moment: nobody answers for it between its last copy's end and now. */
  wiped(partition: number, nowMs: number): void {
    const keys = new Set<string>();
    for (const operation of this.#history.operations) if (operation.partition === partition) keys.add(operation.key);
    for (const key of keys) {
      const number = this.#history.invoke('world', partition, key, { kind: 'wipe' }, nowMs);
      this.#history.settle(number, { type: 'returned', result: { type: 'done', version: 0 } }, nowMs);
    }
  }

  check(): void {
    for (const operations of this.#history.byKey()) {
      const verdict = checkLinearizable(operations);
      if (verdict.type === 'violation') violate(verdict.report);
      if (verdict.type === 'undecided') {
        const { partition, key } = operations[0] ?? { partition: -1, key: '' };
        violate(`key ${key} of partition ${partition} cannot be judged: ${verdict.reason}`);
      }
    }
  }
}

function callOf(input: OperationInput): Call {
  switch (input.kind) {
    case 'get':
    case 'delete':
      return { kind: input.kind };
    case 'set':
      return { kind: 'set', value: input.value };
    case 'cas':
      return { kind: 'cas', expected: input.version, value: input.value };
  }
}

function outcomeOf(input: OperationInput, output: OperationOutput): Outcome {
  const isWeak = input.kind !== 'get' && input.ack !== 'in-sync';
  switch (output.kind) {
    case 'found':
      return { type: 'returned', result: { type: 'value', value: output.value, version: output.version } };
    case 'absent':
      return { type: 'returned', result: { type: 'absent' } };
    case 'stored':
      if (isWeak) return { type: 'indeterminate', version: output.version };
      return { type: 'returned', result: { type: 'done', version: output.version } };
    case 'mismatch':
      return { type: 'returned', result: { type: 'not-done' } };
    case 'deleted':
      if (output.existed && isWeak) return { type: 'indeterminate' };
      return { type: 'returned', result: output.existed ? { type: 'done', version: 0 } : { type: 'not-done' } };
    case 'refused':
      return { type: 'refused', reason: 'by the node' };
    case 'indeterminate':
      return { type: 'indeterminate' };
  }
}
