/** A broken invariant: a defect in FluxCache itself, never a fault of its input or of the world. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws {@link AssertionError} unless `condition` holds. Kept on in production: the thread that is wrong stops. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks a branch the types exclude, so that an exhaustive switch stays exhaustive. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
