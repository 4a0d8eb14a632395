/** @import { PanelContext } from './panels.js' */

/**
 * @param {HTMLElement} _root
 * @param {PanelContext} _context
 */
export function createShardsPanel(_root, _context) {}
