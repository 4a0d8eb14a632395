/** A key as text for people; where its bytes are no UTF-8, they are in `key64` in base64 and `key` shows them with \xNN. */
export interface NamedKey {
  readonly key: string;
  readonly key64?: string;
  /** It is longer than 512 bytes, and this is its beginning only. */
  readonly shortened?: true;
}
