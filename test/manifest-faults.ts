/** A class of the package kubernetes-models: what it says of manifests of its kind. */
export interface Kind {
  readonly prototype: { validate(): void };
}

/**
 * What is wrong with a manifest by the schema of its kind. These schemas let fields pass that they do not know, as an API
 * server does not; so it is watched which fields the validator looks at, and what it never did is no field of the kind.
 */
export function manifestFaults(manifest: object, kind: Kind): string[] {
  const watch = new Watch();
  const faults: string[] = [];
  try {
    Reflect.apply(kind.prototype.validate, watch.over(manifest, ''), []);
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  return [...faults, ...watch.unseen(manifest, '')];
}

/** Notes which fields of an object somebody looks at. */
class Watch {
  readonly #seen = new Set<string>();
  /** Objects all of whose fields were asked for: maps, whose keys are anybody's. */
  readonly #listed = new Set<string>();

  over(value: unknown, path: string): unknown {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get: (target, key) => {
        const found: unknown = Reflect.get(target, key);
        if (typeof key !== 'string' || !Object.hasOwn(target, key)) return found;
        this.#seen.add(`${path}/${key}`);
        return this.over(found, `${path}/${key}`);
      },
      ownKeys: (target) => {
        this.#listed.add(path);
        return Reflect.ownKeys(target);
      },
    });
  }

  unseen(value: unknown, path: string): string[] {
    if (Array.isArray(value)) return value.flatMap((item, index) => this.unseen(item, `${path}/${index}`));
    if (typeof value !== 'object' || value === null || this.#listed.has(path)) return [];
    return Object.keys(value).flatMap((key) => {
      const at = `${path}/${key}`;
      return this.#seen.has(at) ? this.unseen(Reflect.get(value, key), at) : [`${at}: there is no such field`];
    });
  }
}
