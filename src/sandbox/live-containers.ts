interface Recorded {
  readonly record: { readonly id: string; readonly sandboxId: string };
}

/** The containers by id, and by sandbox: with a thousand pods, nobody who looks for his own must look through all. */
export class LiveContainers<T extends Recorded> {
  readonly #byId = new Map<string, T>();
  readonly #bySandbox = new Map<string, Set<T>>();

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  values(): Iterable<T> {
    return this.#byId.values();
  }

  /** Those of one sandbox, oldest first. */
  of(sandboxId: string): readonly T[] {
    return [...(this.#bySandbox.get(sandboxId) ?? [])];
  }

  add(container: T): void {
    const { id, sandboxId } = container.record;
    this.#byId.set(id, container);
    const siblings = this.#bySandbox.get(sandboxId) ?? new Set<T>();
    this.#bySandbox.set(sandboxId, siblings.add(container));
  }

  delete({ record: { id, sandboxId } }: T): void {
    const container = this.#byId.get(id);
    if (container === undefined) return;
    this.#byId.delete(id);
    const siblings = this.#bySandbox.get(sandboxId);
    siblings?.delete(container);
    if (siblings?.size === 0) this.#bySandbox.delete(sandboxId);
  }
}
