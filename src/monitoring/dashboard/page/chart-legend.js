import { element, setText } from './element.js';

/**
 * @typedef {object} LegendRow
 * @property {string} label
 * @property {string} color name of a colour of theme.css
 */

/** The series of a chart with their values: under the cursor, or the latest. A click hides a series or shows it again. */
export class ChartLegend {
  root = element('div', { class: 'chart-legend' });
  /** @type {HTMLElement[]} */
  #values = [];

  /**
   * @param {readonly LegendRow[]} rows
   * @param {object} actions
   * @param {(index: number) => boolean} actions.toggle returns whether it is shown now
   * @param {(index: number | null) => void} actions.focus
   * @param {(index: number) => boolean} actions.isShown
   */
  build(rows, { toggle, focus, isShown }) {
    this.#values = [];
    this.root.replaceChildren(
      ...rows.map(({ label, color }, index) => {
        const value = element('span', { class: 'legend-value' });
        this.#values.push(value);
        const button = element(
          'button',
          {
            type: 'button',
            class: 'legend-row',
            'aria-pressed': String(isShown(index)),
            title: `Show or hide ${label}`,
            on: {
              click: () => button.setAttribute('aria-pressed', String(toggle(index))),
              pointerenter: () => focus(index),
              pointerleave: () => focus(null),
            },
          },
          element('span', { class: 'swatch', style: { background: `var(--${color})` } }),
          element('span', { class: 'legend-label', text: label }),
          value,
        );
        return button;
      }),
    );
  }

  /** @param {readonly string[]} texts */
  set(texts) {
    for (const [index, text] of texts.entries()) {
      const value = this.#values[index];
      if (value !== undefined) setText(value, text);
    }
  }
}
