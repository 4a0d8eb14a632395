import { element } from './element.js';

/**
 * One figure of a row of them (`dl` of class `figures`).
 *
 * @param {string} title
 * @param {string} text
 * @param {'' | 'warn' | 'bad'} level
 * @param {string} [hint] what it counts
 */
export function figure(title, text, level, hint) {
  return element(
    'div',
    { class: level === '' ? 'figure' : `figure figure--${level}`, title: hint },
    element('dt', { text: title }),
    element('dd', { text }),
  );
}
