import { type JsonDocument, MemberName, NodeKind } from './document.ts';
import type { DocumentEdit } from './edit.ts';
import { appendNode, shortest, TextBuffer } from './text.ts';

/** Merges the patch's node into the target's node as RFC 7396 has it, as changes of the target's document. */
export function mergeNode(
  target: JsonDocument,
  node: number,
  patch: JsonDocument,
  patchNode: number,
  edit: DocumentEdit,
): void {
  if (patch.kind(patchNode) !== NodeKind.object || target.kind(node) !== NodeKind.object) {
    edit.replace(node, patchedText(patch, patchNode));
    return;
  }
  for (const [name, member] of lastMembers(patch, patchNode)) {
    const existing = target.member(node, new MemberName(name));
    if (patch.kind(member) === NodeKind.null) {
      if (existing >= 0) edit.remove(existing);
    } else if (existing >= 0) {
      mergeNode(target, existing, patch, member, edit);
    } else {
      edit.addMember(node, name, patchedText(patch, member));
    }
  }
}

/** The text of a patch put where nothing was: without its null members, which ask for what is not there to go. */
export function patchedText(patch: JsonDocument, node: number): string {
  if (patch.kind(node) !== NodeKind.object) return nodeText(patch, node);
  const members: string[] = [];
  for (const [name, member] of lastMembers(patch, node)) {
    if (patch.kind(member) !== NodeKind.null) members.push(`${JSON.stringify(name)}:${patchedText(patch, member)}`);
  }
  return `{${members.join(',')}}`;
}

export function nodeText(document: JsonDocument, node: number): string {
  scratch.clear();
  appendNode(document, node, shortest, 0, scratch);
  return Buffer.from(scratch.bytes.buffer, 0, scratch.length).toString('utf8');
}

const scratch = new TextBuffer();

/** The members of an object by name; of several with one name the last. */
function lastMembers(document: JsonDocument, object: number): Map<string, number> {
  const members = new Map<string, number>();
  const end = document.after(object);
  for (let child = object + 1; child < end; child = document.after(child)) members.set(document.name(child), child);
  return members;
}
