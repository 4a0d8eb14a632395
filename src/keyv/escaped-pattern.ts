/** A pattern of keys that only this text matches. */
export function escapedPattern(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, String.raw`\$&`);
}
