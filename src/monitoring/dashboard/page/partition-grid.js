/**
 * @typedef {object} PartitionGrid Partitions in rows, as squares.
 * @property {number} count
 * @property {number} columns a power of two, so that rows begin at round numbers
 * @property {number} rows
 * @property {number} cell the side of a square with its gap, in whole pixels
 * @property {number} gap
 * @property {number} width
 * @property {number} height
 */

const cellPxMax = 28;
const heightPxMax = 340;

/**
 * The grid with the largest squares that fits in the width, and is not too high.
 *
 * @param {number} count
 * @param {number} widthPx
 * @returns {PartitionGrid}
 */
export function gridOf(count, widthPx) {
  let best = gridWith(count, 1, widthPx);
  for (let columns = 2; columns / 2 < count; columns *= 2) {
    const grid = gridWith(count, columns, widthPx);
    if (grid.cell < 1) break;
    const isLower = grid.height < best.height;
    const isBetter = best.height > heightPxMax ? isLower : grid.cell >= best.cell && isLower;
    if (isBetter) best = grid;
  }
  return best;
}

/**
 * The partition at a point of the grid; -1: none.
 *
 * @param {PartitionGrid} grid
 * @param {number} x
 * @param {number} y
 */
export function partitionAt({ count, columns, cell, width, height }, x, y) {
  if (x < 0 || y < 0 || x >= width || y >= height) return -1;
  const partition = Math.floor(y / cell) * columns + Math.floor(x / cell);
  return partition < count ? partition : -1;
}

/**
 * The square of a partition, without its gap.
 *
 * @param {PartitionGrid} grid
 * @param {number} partition
 */
export function squareOf({ columns, cell, gap }, partition) {
  return { x: (partition % columns) * cell, y: Math.floor(partition / columns) * cell, side: cell - gap };
}

/**
 * The partition that an arrow key goes to.
 *
 * @param {PartitionGrid} grid
 * @param {number} partition
 * @param {string} key
 */
export function neighbourOf({ count, columns }, partition, key) {
  const steps = /** @type {Readonly<Record<string, number>>} */ ({
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    Home: -partition,
    End: count - 1 - partition,
  });
  const step = steps[key];
  if (step === undefined) return null;
  const next = partition + step;
  return next >= 0 && next < count ? next : partition;
}

/**
 * @param {number} count
 * @param {number} columns
 * @param {number} widthPx
 * @returns {PartitionGrid}
 */
function gridWith(count, columns, widthPx) {
  const cell = Math.min(cellPxMax, Math.floor(widthPx / columns));
  const rows = Math.ceil(count / columns);
  const gap = cell >= 8 ? 2 : cell >= 4 ? 1 : 0;
  return { count, columns, rows, cell, gap, width: columns * cell, height: rows * cell };
}
