/**
 * JSON for reading: laid out anew by its marks alone, so that numbers keep every digit they are written with, and
 * members their order and their doubles.
 */

/**
 * @typedef {{readonly kind: 'space' | 'mark' | 'name' | 'string' | 'number' | 'word', readonly text: string}} JsonPart
 */

const partPattern = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
const indent = '  ';

/**
 * The parts of a JSON text, with line breaks and indentation between them; null: it is no JSON.
 *
 * @param {string} text
 * @returns {JsonPart[] | null}
 */
export function jsonParts(text) {
  if (!isJson(text)) return null;
  const words = text.match(partPattern) ?? [];
  /** @type {JsonPart[]} */
  const parts = [];
  let depth = 0;
  for (const [at, word] of words.entries()) {
    const next = words[at + 1] ?? '';
    if (word === '{' || word === '[') {
      parts.push({ kind: 'mark', text: word });
      depth++;
      if (next !== '}' && next !== ']') parts.push(lineBreak(depth));
    } else if (word === '}' || word === ']') {
      depth--;
      const before = words[at - 1];
      if (before !== '{' && before !== '[') parts.push(lineBreak(depth));
      parts.push({ kind: 'mark', text: word });
    } else if (word === ',') {
      parts.push({ kind: 'mark', text: word }, lineBreak(depth));
    } else if (word === ':') {
      parts.push({ kind: 'mark', text: ': ' });
    } else {
      parts.push({ kind: kindOf(word, next), text: word });
    }
  }
  return parts;
}

/**
 * A JSON text with line breaks and indentation; as it is where it is no JSON.
 *
 * @param {string} text
 */
export function prettyJson(text) {
  return (
    jsonParts(text)
      ?.map((part) => part.text)
      .join('') ?? text
  );
}

/**
 * A JSON text without the spaces between its marks; as it is where it is no JSON.
 *
 * @param {string} text
 */
export function compactJson(text) {
  return isJson(text) ? (text.match(partPattern) ?? []).join('') : text;
}

/**
 * Why a text is no JSON, in the browser's words; null when it is.
 *
 * @param {string} text
 */
export function jsonFault(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} text */
export function isJson(text) {
  return jsonFault(text) === null;
}

/**
 * @param {string} word
 * @param {string} next
 * @returns {JsonPart['kind']}
 */
function kindOf(word, next) {
  if (word.startsWith('"')) return next === ':' ? 'name' : 'string';
  return /^[-\d]/.test(word) ? 'number' : 'word';
}

/**
 * @param {number} depth
 * @returns {JsonPart}
 */
function lineBreak(depth) {
  return { kind: 'space', text: `\n${indent.repeat(depth)}` };
}
