const httpMethod = Uint8Array.from('post', (letter) => letter.charCodeAt(0));
const httpHeader = Uint8Array.from('host:', (letter) => letter.charCodeAt(0));

/**
 * Whether a command's name is the first word of an HTTP request, or of a line of its head, as a browser sends it when a
 * page has it post to this port. Redis looks for the same two.
 */
export function isHttpWord(bytes: Uint8Array, start: number, end: number): boolean {
  const first = (bytes[start] as number) | 0x20;
  if (first === 0x70) return end - start === 4 && isWord(httpMethod, bytes, start);
  return first === 0x68 && end - start === 5 && isWord(httpHeader, bytes, start);
}

function isWord(word: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < word.length; index++) {
    const byte = bytes[start + index] as number;
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) !== word[index]) return false;
  }
  return true;
}
