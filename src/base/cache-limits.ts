/** Limits of tags and fills, which commands, front ends, the client and the command line share. */

/** Bytes of a tag, 1 at least; tags of an entry; and bytes of their list: a byte with the length before each. */
export const TAG_BYTES_MAX = 255;
export const TAGS_MAX = 64;
export const TAG_LIST_BYTES_MAX = 4096 + TAGS_MAX;

/** Tags of one INVALIDATE, and bytes of their list: the copies of every partition are sent all of them. */
export const INVALIDATED_TAGS_MAX = 1000;
export const INVALIDATED_BYTES_MAX = 65_536;

/** Milliseconds that a fill token counts unless it is said, and at most. */
export const FILL_MS_DEFAULT = 10_000;
export const FILL_MS_MAX = 60_000;
/** Milliseconds that a front end waits at most for who fills what is missing. */
export const FILL_WAIT_MS_MAX = 10_000;
