import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';

export type MappingFile =
  | { readonly kind: 'values'; readonly values: ReadonlyMap<unknown, unknown> }
  | { readonly kind: 'problem'; readonly problem: string };

/** Reads a YAML or JSON file (JSON is YAML) that must hold one mapping, as maps down to its leaves; keys and values are not looked at. */
export function readMappingFile(path: string): MappingFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return problem(`${path}: ${reasonOf(error)}.`);
  }
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const line = fault.linePos?.[0].line;
    return problem(
      `${path}${line === undefined ? '' : `:${line}`}: ${fault.message.split('\n')[0]?.replace(/ at line.*$/, '')}.`,
    );
  }
  let values: unknown;
  try {
    // Aliases could make a small file unfold into a huge one; nothing here needs any.
    values = document.toJS({ mapAsMap: true, maxAliasCount: 0 });
  } catch (error) {
    return problem(`${path}: ${reasonOf(error)}.`);
  }
  if (values === null) return { kind: 'values', values: new Map() };
  if (!(values instanceof Map))
    return problem(`${path}: must hold 'option: value' lines, not ${Array.isArray(values) ? 'a list' : 'one value'}.`);
  return { kind: 'values', values };
}

function problem(text: string): MappingFile {
  return { kind: 'problem', problem: text };
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'may not be read';
  if (code === 'EISDIR') return 'is a folder, not a file';
  return error instanceof Error ? error.message : String(error);
}
