/** A list of tags: of each its length in one byte, which is not 0, then its bytes. */

/** Where the tag whose length stands at `at` ends, and the next one's stands. */
export function tagEnd(list: Uint8Array, at: number): number {
  return at + 1 + (list[at] as number);
}

/** How many tags are in `list[start..end)`. */
export function countTags(list: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at = tagEnd(list, at)) count++;
  return count;
}
