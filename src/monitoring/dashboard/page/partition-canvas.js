/** @import { PartitionReport } from '../../../command/cluster-report.ts' */
/** @import { PartitionGrid } from './partition-grid.js' */
/** @import { Theme } from './theme.js' */
import { owners } from './owners.js';
import { squareOf } from './partition-grid.js';
import { partitionState } from './partition-state.js';

/** Squares from this side on have room for their replicas' colours and for hatching. */
const roomyPx = 11;

/**
 * @typedef {object} MapPicture What is drawn.
 * @property {readonly PartitionReport[]} table
 * @property {number} wanted copies of each partition
 * @property {string | null} emphasized the node whose copies stand out; null: all are alike
 * @property {number} selected the partition with a frame; -1: none
 */

/**
 * Draws the map of partitions: each square in the colour of its primary, at its foot those of the copies in sync. What
 * lacks copies is hatched, what nobody serves is crossed out, what is on its way has a dot.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {PartitionGrid} grid
 * @param {MapPicture} picture
 * @param {Theme} theme
 */
export function paintPartitions(canvas, grid, { table, wanted, emphasized, selected }, theme) {
  const ratio = devicePixelRatio;
  const width = Math.round(grid.width * ratio);
  const height = Math.round(grid.height * ratio);
  // Setting a size clears a canvas and takes memory anew, so only when it is another one.
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.setProperty('width', `${grid.width}px`);
    canvas.style.setProperty('height', `${grid.height}px`);
  }
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, grid.width, grid.height);
  const colors = { surface: theme.color('surface'), bad: theme.color('bad'), text: theme.color('text') };
  for (const [index, partition] of table.entries()) {
    const { x, y, side } = squareOf(grid, index);
    paintSquare(context, { x, y, side }, partition, { wanted, emphasized, colors, theme });
  }
  context.globalAlpha = 1;
  if (selected < 0 || selected >= table.length) return;
  const { x, y, side } = squareOf(grid, selected);
  context.lineWidth = 2;
  context.strokeStyle = colors.text;
  context.strokeRect(x - 1 + 1, y - 1 + 1, Math.max(side - 2, 2), Math.max(side - 2, 2));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, side: number}} square
 * @param {PartitionReport} partition
 * @param {{wanted: number, emphasized: string | null, colors: {surface: string, bad: string}, theme: Theme}} how
 */
function paintSquare(context, { x, y, side }, partition, { wanted, emphasized, colors, theme }) {
  const { primary, inSync, replicas } = partition;
  const state = partitionState(partition, wanted);
  const isRoomy = side >= roomyPx;
  const isTheirs = emphasized === null || inSync.includes(emphasized) || replicas.includes(emphasized);
  context.globalAlpha = isTheirs ? (emphasized === null || primary === emphasized ? 1 : 0.5) : 0.12;
  if (primary === null) {
    context.strokeStyle = colors.bad;
    context.lineWidth = isRoomy ? 1.5 : 1;
    context.fillStyle = colors.bad;
    if (!isRoomy) {
      context.fillRect(x, y, side, side);
      return;
    }
    context.strokeRect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
    hatch(context, { x, y, side }, 4);
    return;
  }
  context.fillStyle = owners.paintOf(primary, theme);
  context.fillRect(x, y, side, side);
  if (isRoomy) {
    const foot = Math.max(3, Math.round(side / 5));
    const others = inSync.filter((node) => node !== primary);
    const part = side / Math.max(others.length, 1);
    // A line of the ground between a primary and its replicas keeps like colours apart.
    context.fillStyle = colors.surface;
    if (others.length > 0) context.fillRect(x, y + side - foot - 1, side, 1);
    for (const [at, node] of others.entries()) {
      context.fillStyle = owners.paintOf(node, theme);
      context.fillRect(x + at * part, y + side - foot, part, foot);
    }
  }
  if (state === 'few-copies') {
    context.strokeStyle = colors.surface;
    context.lineWidth = isRoomy ? 1.5 : 1;
    hatch(context, { x, y, side }, isRoomy ? 5 : 3);
  } else if (state === 'moving' && side >= 5) {
    const radius = Math.max(1, side / 7);
    context.fillStyle = colors.surface;
    context.beginPath();
    context.arc(x + side - radius - 2, y + radius + 2, radius, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, side: number}} square
 * @param {number} stepPx
 */
function hatch(context, { x, y, side }, stepPx) {
  context.save();
  context.beginPath();
  context.rect(x, y, side, side);
  context.clip();
  context.beginPath();
  for (let at = -side; at < side; at += stepPx) {
    context.moveTo(x + at, y + side);
    context.lineTo(x + at + side, y);
  }
  context.stroke();
  context.restore();
}
