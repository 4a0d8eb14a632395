/** A reply as a client got it: it keeps what kind it was of, because a person is shown `(integer) 1` and `(nil)`. */
export type Reply =
  | { readonly kind: 'status'; readonly text: string }
  /** Prefix and message: `ERR syntax error`. */
  | { readonly kind: 'error'; readonly text: string }
  /** A bigint where a double would round. */
  | { readonly kind: 'integer'; readonly value: number | bigint }
  | { readonly kind: 'bigNumber'; readonly value: bigint }
  /** `text` as it was sent: which digits there are is the server's choice. */
  | { readonly kind: 'double'; readonly value: number; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** RESP2 has a null bulk and a null array, RESP3 one null: its `of` is 'any'. */
  | { readonly kind: 'null'; readonly of: 'bulk' | 'array' | 'any' }
  | { readonly kind: 'bulk'; readonly bytes: Uint8Array }
  /** `format` is `txt` or `mkd`. */
  | { readonly kind: 'verbatim'; readonly format: string; readonly bytes: Uint8Array }
  | { readonly kind: 'array' | 'set' | 'push'; readonly items: readonly Reply[] }
  | { readonly kind: 'map'; readonly pairs: readonly (readonly [key: Reply, value: Reply])[] };
