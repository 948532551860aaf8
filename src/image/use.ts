import type { UsingContainer } from "./types.ts";

/** Containers on record that were made from an image, by its id. */
export type UsedBy = (imageId: string) => readonly UsingContainer[];

/** Who needs an image: containers on record, and those who are about to make one. */
export class ImageUse {
  readonly #usedBy: UsedBy;
  readonly #holds = new Map<string, number>();

  constructor(usedBy: UsedBy) {
    this.#usedBy = usedBy;
  }

  /** Until the function is called, the image is in use; calling it again does nothing. */
  hold(id: string): () => void {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#holds.get(id) ?? 0) - 1;
      if (left > 0) this.#holds.set(id, left);
      else this.#holds.delete(id);
    };
  }

  containers(id: string): readonly UsingContainer[] {
    return this.#usedBy(id);
  }

  isUsed(id: string): boolean {
    return this.#holds.has(id) || this.#usedBy(id).length > 0;
  }
}
