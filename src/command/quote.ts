/** What a client sent, cut and made safe for one line of an error. Ends at a NUL, as Redis's format does. */
export function quote(bytes: Uint8Array, start: number, end: number, bytesMax: number): string {
  let cut = Math.min(end, start + bytesMax);
  const nul = bytes.indexOf(0, start);
  if (nul >= 0 && nul < cut) cut = nul;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, cut - start).toString('utf8');
  return text.replaceAll(/[\r\n]/g, ' ');
}
