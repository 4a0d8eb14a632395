/** Preconditions of RFC 9110, section 13, over the only entity tag an entry has: its version in quotes. */

/** What a list of entity tags asks for. `versions` holds the tags of our form; others can match nothing. */
export interface EntityTags {
  /** `*`: any entry at all. */
  readonly any: boolean;
  readonly versions: readonly number[];
  /** As `versions`, of the tags marked weak. */
  readonly weakVersions: readonly number[];
}

/** The entity tag of an entry of that version. */
export function entityTagOf(version: number): string {
  return `"${version}"`;
}

const tagPattern = /^\s*(W\/)?"([\x21\x23-\x7e\x80-\u{10ffff}]*)"\s*$/u;

/** The value of an If-Match or If-None-Match header; null when it is malformed. Empty elements are passed over. */
export function parseEntityTags(header: string): EntityTags | null {
  if (header.trim() === '*') return { any: true, versions: [], weakVersions: [] };
  const versions: number[] = [];
  const weakVersions: number[] = [];
  let tags = 0;
  for (const element of splitTags(header)) {
    if (element.trim() === '') continue;
    const match = tagPattern.exec(element);
    if (match === null) return null;
    tags++;
    const tag = match[2] as string;
    const version = /^[1-9]\d{0,15}$/.test(tag) ? Number(tag) : 0;
    if (version > 0) (match[1] === undefined ? versions : weakVersions).push(version);
  }
  return tags === 0 ? null : { any: false, versions, weakVersions };
}

/** If-Match: strong comparison, so a weak tag matches nothing. `version` 0: there is no entry. */
export function ifMatchHolds(list: EntityTags, version: number): boolean {
  return version > 0 && (list.any || list.versions.includes(version));
}

/** If-None-Match: weak comparison. `version` 0: there is no entry. */
export function ifNoneMatchHolds(list: EntityTags, version: number): boolean {
  if (version === 0) return true;
  return !(list.any || list.versions.includes(version) || list.weakVersions.includes(version));
}

/** Splits at commas outside quotes: a tag may hold commas. */
function splitTags(header: string): string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < header.length; at++) {
    const char = header[at];
    if (char === '"') isQuoted = !isQuoted;
    else if (char === ',' && !isQuoted) {
      elements.push(header.slice(start, at));
      start = at + 1;
    }
  }
  elements.push(header.slice(start));
  return elements;
}
