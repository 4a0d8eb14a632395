/** Colours of the theme: `--series-1` and on. */
const themeColors = 10;

/**
 * Which colour stands for which node, the same in every panel. A node keeps its colour for as long as the page is open;
 * pages that are opened on the same cluster agree, as long as no nodes come and go.
 */
export class Owners {
  /** @type {Map<string, number>} */
  #indices = new Map();

  /** @param {Iterable<string>} nodes */
  learn(nodes) {
    for (const node of [...nodes].sort()) {
      if (!this.#indices.has(node)) this.#indices.set(node, this.#indices.size);
    }
  }

  /**
   * A colour for styles.
   *
   * @param {string} node
   */
  colorOf(node) {
    const index = this.#indices.get(node);
    if (index === undefined) return 'var(--faint)';
    if (index < themeColors) return `var(--series-${index + 1})`;
    // The golden angle: hues that come one after the other are far apart.
    return `hsl(${Math.round((index * 137.508) % 360)} 45% 55%)`;
  }

  /**
   * The same colour for a canvas, which knows no variables.
   *
   * @param {string} node
   * @param {{color(name: string): string}} theme
   */
  paintOf(node, theme) {
    const color = this.colorOf(node);
    const name = /^var\(--(.*)\)$/.exec(color)?.[1];
    return name === undefined ? color : theme.color(name);
  }
}

/** Those of the cluster that this page shows. */
export const owners = new Owners();
