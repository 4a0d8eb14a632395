/**
 * The `max-age` of a Cache-Control header (RFC 9111, section 5.2) in seconds: null when the header has none, NaN when
 * it is given twice or is no whole number of seconds. Other directives are passed over.
 */
export function maxAgeOf(header: string): number | null {
  let seconds: number | null = null;
  for (const directive of header.split(',')) {
    const equals = directive.indexOf('=');
    const name = (equals < 0 ? directive : directive.slice(0, equals)).trim().toLowerCase();
    if (name !== 'max-age') continue;
    const value =
      equals < 0
        ? ''
        : directive
            .slice(equals + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1');
    const isFirst: boolean = seconds === null;
    seconds = isFirst && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  }
  return seconds;
}
