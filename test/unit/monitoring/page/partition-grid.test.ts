import test from 'ava';
import fc from 'fast-check';
import {
  gridOf,
  neighbourOf,
  partitionAt,
  squareOf,
} from '../../../../src/monitoring/dashboard/page/partition-grid.js';

const counts = fc.constantFrom(1, 2, 64, 100, 128, 256, 1024, 4096, 16_384);
const widths = fc.integer({ min: 280, max: 1800 });

test('the grid fits in its width, and holds every partition where a pointer finds it', (t) => {
  fc.assert(
    fc.property(counts, widths, (count, width) => {
      const grid = gridOf(count, width);
      t.true(grid.width <= width && grid.cell >= 1);
      for (const partition of [0, 1, Math.floor(count / 2), count - 1].filter((each) => each < count)) {
        const { x, y, side } = squareOf(grid, partition);
        t.is(partitionAt(grid, x + side / 2, y + side / 2), partition);
      }
    }),
  );
});

test('rows are few enough to be seen at once, on a phone and on a desk', (t) => {
  for (const count of [64, 128, 256, 1024, 4096, 16_384]) {
    for (const width of [340, 700, 1100, 1700]) t.true(gridOf(count, width).height <= 340, `${count} in ${width}`);
  }
});

test('squares are as large as they can be', (t) => {
  t.is(gridOf(64, 1000).cell, 28);
  t.is(gridOf(256, 1000).cell, 28);
  t.true(gridOf(1024, 1000).cell >= 15);
});

test('outside of the grid there is no partition', (t) => {
  const grid = gridOf(100, 1000);
  t.is(partitionAt(grid, -1, 0), -1);
  t.is(partitionAt(grid, 0, grid.height), -1);
  t.is(partitionAt(grid, grid.width - 1, grid.height - 1), -1, 'the last row is not full');
});

test('arrow keys go from one partition to the next and stop at the edges', (t) => {
  const grid = gridOf(128, 1000);
  t.is(neighbourOf(grid, 0, 'ArrowRight'), 1);
  t.is(neighbourOf(grid, 0, 'ArrowLeft'), 0);
  t.is(neighbourOf(grid, 0, 'ArrowDown'), grid.columns);
  t.is(neighbourOf(grid, 127, 'ArrowDown'), 127);
  t.is(neighbourOf(grid, 5, 'End'), 127);
  t.is(neighbourOf(grid, 5, 'Home'), 0);
  t.is(neighbourOf(grid, 5, 'a'), null);
});
