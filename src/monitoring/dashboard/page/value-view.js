/** @import { ValueKind } from './value-kind.js' */
import { element } from './element.js';
import { jsonParts } from './json-text.js';
import { hexRows, textOf, viewsOf } from './value-kind.js';

/** Elements of a JSON text that is coloured; a longer one is laid out as plain text. */
const coloredPartsMax = 20_000;
const hexBytesMax = 16 * 1024;

/**
 * A value as JSON, as text or as bytes; which of them is the reader's choice.
 *
 * @param {ValueKind} kind
 * @param {Uint8Array} bytes the value, or its beginning
 * @param {boolean} isWhole
 */
export function valueView(kind, bytes, isWhole) {
  const views = viewsOf(kind, bytes, isWhole);
  const frame = element('div', { class: 'value', tabindex: 0, role: 'region', 'aria-label': 'Value' });
  const buttons = views.map((view) => {
    const onClick = () => show(view);
    return element('button', { type: 'button', 'data-view-as': view, text: titles[view], on: { click: onClick } });
  });
  const show = (/** @type {'json' | 'text' | 'hex'} */ view) => {
    frame.replaceChildren(made(view, bytes, isWhole));
    frame.dataset['view'] = view;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset['viewAs'] === view));
  };
  show(views[0] ?? 'hex');
  const choice = element('div', { class: 'choice', role: 'group', 'aria-label': 'Show as' }, ...buttons);
  return { frame, choice };
}

const titles = { json: 'JSON', text: 'Text', hex: 'Hex' };

/**
 * @param {'json' | 'text' | 'hex'} view
 * @param {Uint8Array} bytes
 * @param {boolean} isWhole
 */
function made(view, bytes, isWhole) {
  if (view === 'hex') return hexView(bytes);
  const text = textOf(bytes, isWhole) ?? '';
  if (view === 'text') return element('pre', { class: 'value-text', text });
  const parts = jsonParts(text) ?? [];
  if (parts.length > coloredPartsMax) {
    return element('pre', { class: 'value-text', text: parts.map((part) => part.text).join('') });
  }
  const spans = parts.map(({ kind, text: word }) =>
    kind === 'space' || kind === 'mark' ? word : element('span', { class: `json-${kind}`, text: word }),
  );
  return element('pre', { class: 'value-text' }, ...spans);
}

/** @param {Uint8Array} bytes */
function hexView(bytes) {
  const rows = hexRows(bytes.subarray(0, hexBytesMax)).map(({ offset, hex, text }) => [
    element('span', { class: 'muted', text: offset }),
    `  ${hex}  `,
    element('span', { class: 'hex-text', text }),
    '\n',
  ]);
  const tail =
    bytes.length > hexBytesMax ? element('p', { class: 'muted', text: `The first ${hexBytesMax} bytes.` }) : null;
  return element('div', {}, element('pre', { class: 'value-text hex' }, ...rows.flat()), tail);
}
