/** @import { PanelContext } from './panels.js' */
/** @import { Session } from './session.js' */

/**
 * @param {HTMLElement} _root
 * @param {PanelContext} _context
 * @param {Session} _session
 */
export function createHeader(_root, _context, _session) {}
