/** A deliberately broken variant of the core: one piece of one file's text, replaced. */
export interface Mutation {
  /** Kebab case, unique. */
  readonly name: string;
  /** Below `src/cluster`. */
  readonly file: string;
  /** Occurs exactly once in the file, so that a change of the code cannot leave the mutation without effect. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong with it, as a sentence. */
  readonly why: string;
}
