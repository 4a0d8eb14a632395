import { escapedPattern } from './key-text.js';

/**
 * What a node is asked for, one pattern after the other, to find what somebody typed: all keys, a part of a name, or a
 * pattern. Users of some keys may list within their patterns only, so a part of a name is looked for within each.
 *
 * @param {string} text
 * @param {readonly string[] | null} keyPatterns of the user; null: all keys are his
 * @returns {string[]} '' for all keys
 */
export function searchPatterns(text, keyPatterns) {
  if (isPattern(text)) return [text];
  const part = text === '' ? '' : `*${escapedPattern(text)}*`;
  if (keyPatterns === null) return [part];
  if (text === '') return [...keyPatterns];
  return keyPatterns.flatMap((pattern) => {
    const beginning = pattern.slice(0, -1);
    if (!pattern.endsWith('*') || isPattern(beginning)) return [];
    return [text.startsWith(beginning) ? `${escapedPattern(text)}*` : `${beginning}${part}`];
  });
}

/** @param {string} text */
export function isPattern(text) {
  return /[*?[\]\\]/.test(text);
}
