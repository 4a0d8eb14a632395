/**
 * Elements made in code. Text goes into text nodes and attributes only: whatever a key or a value says, it is never markup.
 */

const svgNamespace = 'http://www.w3.org/2000/svg';

/**
 * @typedef {Node | string | number | null | undefined | false} Child What is null, undefined or false is left out.
 * @typedef {{
 *   readonly class?: string | null | undefined;
 *   readonly text?: string | number | null | undefined;
 *   readonly on?: Readonly<Record<string, (event: Event) => void>>;
 *   readonly style?: Readonly<Record<string, string>>;
 *   readonly [attribute: string]: unknown;
 * }} Properties Attributes by their names: true is an attribute without a value; false, null and undefined leave it
 *   out. `text`: a first child. `on`: listeners by event. `style`: by property, set one by one, which a policy without
 *   inline styles allows.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  return dressed(document.createElement(name), properties, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Name]}
 */
export function svgElement(name, properties = {}, ...children) {
  return dressed(document.createElementNS(svgNamespace, name), properties, children);
}

/**
 * Gives the element these children instead of those it has.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter(isShown).map(nodeOf));
}

/**
 * Sets the text where it is another, so that nothing is laid out anew, and no selection lost, where nothing changed.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @template {HTMLElement | SVGElement} Made
 * @param {Made} made
 * @param {Properties} properties
 * @param {readonly Child[]} children
 */
function dressed(made, { text, on = {}, style = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [property, value] of Object.entries(style)) made.style.setProperty(property, value);
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  for (const child of [text, ...children]) if (isShown(child)) made.append(nodeOf(child));
  return made;
}

/**
 * @param {Child} child
 * @returns {child is Node | string | number}
 */
function isShown(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {Node | string | number} child */
function nodeOf(child) {
  return typeof child === 'object' ? child : String(child);
}
