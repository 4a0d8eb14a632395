import fc from 'fast-check';
import type { ClusterCommand } from '../src/cluster/controller/cluster-command.ts';
import { command } from './cluster-arbitraries.ts';

/** Numbers at and beyond the edges of what fields allow. */
const wildNumber = fc.oneof(
  fc.constantFrom(-2, -1, 0, 1, 7, 8, 64, 65, 99, 16_383, 16_384, 16_385, 99_999, 1e6, 1e6 + 1, 1e-6, 1e-7, 0.5),
  fc.constantFrom(2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 31), -(2 ** 53), 2 ** 64, Number.NaN, Number.POSITIVE_INFINITY),
  // There is no -0 among whole numbers.
  fc.double().filter((value) => !Object.is(value, -0)),
);
const wildText = fc.oneof(
  fc.constantFrom('', 'Bad Name', 'n1\n', '\ud800', '\ufeffa', 'offline', 'panic'),
  fc
    .tuple(fc.constantFrom('a', 'ö', '中', '😀'), fc.constantFrom(16, 17, 32, 33, 64, 65, 80, 130, 260, 261))
    .map(([text, times]) => text.repeat(times)),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

/** Commands of which one value, somewhere within, is replaced by any other of its type. */
export const wildCommand: fc.Arbitrary<ClusterCommand> = fc
  .tuple(command, fc.nat(), wildNumber, wildText, fc.constantFrom(0, 1, 8, 15, 65))
  .map(([written, place, number, text, times]) => {
    let left = place % countLeaves(written);
    const replace = (value: unknown): unknown => {
      if (Array.isArray(value)) {
        if (left-- === 0) return Array.from({ length: value.length === 0 ? 0 : times }, () => value[0]);
        return value.map(replace);
      }
      if (typeof value === 'object' && value !== null) {
        const fields = Object.entries(value).map(([name, field]) => [name, name === 'type' ? field : replace(field)]);
        return Object.fromEntries(fields);
      }
      if (left-- !== 0) return value;
      return typeof value === 'number' ? number : typeof value === 'boolean' ? value : text;
    };
    return replace(written) as ClusterCommand;
  });

/** Values and lists within, the type not counted. */
function countLeaves(value: unknown): number {
  if (Array.isArray(value)) return 1 + value.reduce<number>((sum, one) => sum + countLeaves(one), 0);
  if (typeof value !== 'object' || value === null) return 1;
  const fields = Object.entries(value).filter(([name]) => name !== 'type');
  return fields.reduce((sum, [, field]) => sum + countLeaves(field), 0);
}
