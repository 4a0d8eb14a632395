import type { ConfigPort } from '../../command/control.ts';
import { quote } from '../../command/quote.ts';
import type { Parameter } from './parameter.ts';

const NAME_BYTES_MAX = 128;

/** The parameters of a running node, by name: what CONFIG GET tells and CONFIG SET changes. */
export class RuntimeConfig implements ConfigPort {
  /** By the name in lower case: names are the same in any case. */
  readonly #parameters = new Map<string, Parameter>();
  readonly #resetStatistics: () => void;

  /** Of parameters of one name the first counts. */
  constructor(parameters: Iterable<Parameter>, resetStatistics: () => void) {
    for (const parameter of parameters) {
      const name = parameter.name.toLowerCase();
      if (!this.#parameters.has(name)) this.#parameters.set(name, parameter);
    }
    this.#resetStatistics = resetStatistics;
  }

  *parameters(): Iterable<readonly [name: string, value: string]> {
    for (const parameter of this.#parameters.values()) yield [parameter.name, parameter.read()];
  }

  set(changes: readonly (readonly [name: string, value: string])[]): string | null {
    const unknown = changes.find(([name]) => !this.#parameters.has(name.toLowerCase()));
    if (unknown !== undefined) {
      return `Unknown option or number of arguments for CONFIG SET - '${shown(unknown[0])}'`;
    }
    const seen = new Set<Parameter>();
    const steps: (() => void)[] = [];
    for (const [name, value] of changes) {
      const parameter = this.#parameters.get(name.toLowerCase()) as Parameter;
      const change = seen.has(parameter) ? { problem: 'duplicate parameter' } : parameter.check(value);
      if ('problem' in change) {
        return `CONFIG SET failed (possibly related to argument '${shown(name)}') - ${change.problem}`;
      }
      seen.add(parameter);
      steps.push(change.apply);
    }
    for (const step of steps) step();
    return null;
  }

  resetStatistics(): void {
    this.#resetStatistics();
  }
}

function shown(name: string): string {
  const bytes = Buffer.from(name);
  return quote(bytes, 0, bytes.length, NAME_BYTES_MAX);
}
