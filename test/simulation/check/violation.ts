/** Something was seen in a simulated run that must never be. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function violate(message: string): never {
  throw new Violation(message);
}
