/** @typedef {(number | null)[]} Column */

/**
 * Puts columns on top of each other: each is the sum of those before it and itself. What is hidden adds nothing.
 *
 * @param {readonly Column[]} columns of the same length
 * @param {(index: number) => boolean} isShown
 * @returns {Column[]}
 */
export function stack(columns, isShown) {
  /** @type {number[]} */
  const sums = new Array(columns[0]?.length ?? 0).fill(0);
  return columns.map((column, index) =>
    column.map((value, row) => {
      if (value === null) return null;
      const sum = (sums[row] ?? 0) + (isShown(index) ? value : 0);
      sums[row] = sum;
      return sum;
    }),
  );
}
