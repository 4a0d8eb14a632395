/** What a terminal would obey, not show, or show elsewhere: controls, formats (turns of direction among them), what has no meaning. */
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18fff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const mark = /\p{M}/u;
const plain = /^[\x20-\x7e]*$/;

/** Text of strangers as it can stand in a row: what would not be seen, or would drive the terminal, is spelt out. */
export function seen(text: string): string {
  return plain.test(text) ? text : text.normalize('NFC').replace(unseen, spelt);
}

function spelt(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\r') return '\\r';
  if (char === '\t') return '\\t';
  const code = char.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Columns that a terminal needs for text that is {@link seen}. Terminals differ a little on marks and pictures. */
export function columnsOf(text: string): number {
  if (plain.test(text)) return text.length;
  let columns = 0;
  for (const char of text) columns += columnsOfCharacter(char);
  return columns;
}

/** As much of a text as has room; what is left out is told by `…`. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns <= 0) return '';
  let kept = '';
  let left = columns - 1;
  for (const char of text) {
    left -= columnsOfCharacter(char);
    if (left < 0) break;
    kept += char;
  }
  return `${kept}…`;
}

/** A text with as many spaces behind it, or in front of it, as fill the columns; one that is longer is {@link cut}. */
export function padded(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const kept = cut(text, columns);
  const space = ' '.repeat(Math.max(0, columns - columnsOf(kept)));
  return side === 'left' ? kept + space : space + kept;
}

function columnsOfCharacter(char: string): number {
  if (char <= '\x7e') return 1;
  if (mark.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}
