import type { ProfileName } from '../profiles.ts';

/** A piece of a file's text, and what takes its place. */
export interface Edit {
  /** Below `src/cluster`. */
  readonly file: string;
  /** Occurs exactly once in the file, so that a change of the code cannot leave the mutation without effect. */
  readonly find: string;
  readonly replace: string;
}

/** A deliberately broken variant of the core. */
export interface Mutation extends Edit {
  /** Kebab case, unique. */
  readonly name: string;
  /** What is replaced besides: a second line of defence, behind which the first one would not be missed. */
  readonly also?: readonly Edit[];
  /** The kind of run that its seeds are of; default: the one whose turn it is by the seed. */
  readonly profile?: ProfileName;
  /** What goes wrong with it, as a sentence. */
  readonly why: string;
}
