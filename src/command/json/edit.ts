import { type JsonDocument, NodeKind } from './document.ts';
import {
  appendNode,
  closeBrace,
  closeBracket,
  colon,
  comma,
  openBrace,
  openBracket,
  shortest,
  type TextBuffer,
} from './text.ts';

type Change =
  | { readonly kind: 'remove' }
  | { readonly kind: 'replace'; readonly text: string }
  /** Adds elements to an array, or members (name and value) to an object, behind what is there. */
  | { readonly kind: 'extend'; readonly texts: string[] };

/**
 * Changes to make to a document. Nodes that no change touches are copied as they stand. A change of a container that is
 * replaced or removed as a whole counts for nothing; the later of two changes of one node counts.
 */
export class DocumentEdit {
  readonly #document: JsonDocument;
  readonly #changes = new Map<number, Change>();
  /** Containers on the way to a change, which have to be written anew. */
  readonly #touched = new Set<number>();

  constructor(document: JsonDocument) {
    this.#document = document;
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  /** The root cannot be removed: the caller removes the key. */
  remove(node: number): void {
    this.#dropNamesakes(node);
    this.#change(node, { kind: 'remove' });
  }

  /** `text` is a JSON text, shortest form. */
  replace(node: number, text: string): void {
    this.#dropNamesakes(node);
    this.#change(node, { kind: 'replace', text });
  }

  addElement(array: number, text: string): void {
    this.#extend(array, text);
  }

  /** Adds a member that the object does not have. */
  addMember(object: number, name: string, text: string): void {
    this.#extend(object, `${JSON.stringify(name)}:${text}`);
  }

  write(out: TextBuffer): void {
    this.#write(0, out);
  }

  #extend(node: number, text: string): void {
    const change = this.#changes.get(node);
    if (change?.kind === 'extend') change.texts.push(text);
    else this.#change(node, { kind: 'extend', texts: [text] });
  }

  #change(node: number, change: Change): void {
    this.#changes.set(node, change);
    for (
      let at = change.kind === 'extend' ? node : this.#document.parent(node);
      at >= 0;
      at = this.#document.parent(at)
    ) {
      if (this.#touched.has(at)) return;
      this.#touched.add(at);
    }
  }

  /** Of members with one name the last counts: the others must not come to light when it changes. */
  #dropNamesakes(node: number): void {
    const document = this.#document;
    const parent = document.parent(node);
    if (parent < 0 || document.nameStart(node) < 0) return;
    const name = document.name(node);
    for (let child = parent + 1; child < node; child = document.after(child)) {
      if (document.name(child) === name) this.#change(child, { kind: 'remove' });
    }
  }

  #write(node: number, out: TextBuffer): void {
    const document = this.#document;
    const change = this.#changes.get(node);
    if (change?.kind === 'replace') {
      out.text(change.text);
      return;
    }
    if (!this.#touched.has(node)) {
      appendNode(document, node, shortest, 0, out);
      return;
    }
    const isObject = document.kind(node) === NodeKind.object;
    out.byte(isObject ? openBrace : openBracket);
    let written = 0;
    const last = document.after(node);
    for (let child = node + 1; child < last; child = document.after(child)) {
      if (this.#changes.get(child)?.kind === 'remove') continue;
      if (written++ > 0) out.byte(comma);
      if (isObject) {
        out.append(document.bytes, document.nameStart(child) - 1, document.nameEnd(child) + 1);
        out.byte(colon);
      }
      this.#write(child, out);
    }
    if (change?.kind === 'extend') {
      for (const text of change.texts) {
        if (written++ > 0) out.byte(comma);
        out.text(text);
      }
    }
    out.byte(isObject ? closeBrace : closeBracket);
  }
}
