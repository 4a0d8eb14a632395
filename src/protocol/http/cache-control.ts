/**
 * The seconds that a directive of a Cache-Control header gives (RFC 9111, section 5.2; RFC 5861 for
 * `stale-while-revalidate`): null when the header has no such directive, NaN when it is given twice or is no whole number of
 * seconds; `bare` where it stands without a value. Other directives are passed over.
 */
export function secondsOf(header: string, wanted: CacheDirective, bare = Number.NaN): number | null {
  let seconds: number | null = null;
  for (const directive of header.split(',')) {
    const equals = directive.indexOf('=');
    const name = (equals < 0 ? directive : directive.slice(0, equals)).trim().toLowerCase();
    if (name !== wanted) continue;
    const value = directive
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    const isFirst: boolean = seconds === null;
    if (!isFirst) seconds = Number.NaN;
    else if (equals < 0) seconds = bare;
    else seconds = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  }
  return seconds;
}

export type CacheDirective = 'max-age' | 'max-stale' | 'stale-while-revalidate';
