import { isDeepStrictEqual } from "node:util";
import type { PersistentVolume, PersistentVolumeClaim } from "../../spec/index.ts";
import type { KeptObjects } from "../objects.ts";
import type { KeptObject } from "../types.ts";

type Storage = PersistentVolume | PersistentVolumeClaim;

const isStorage = ({ kind }: KeptObject): boolean => kind === "PersistentVolume" || kind === "PersistentVolumeClaim";

export const keyOf = ({ kind, metadata }: KeptObject): string => `${kind}/${metadata.namespace}/${metadata.name}`;

/** The claims and volumes as they are now, in memory: whoever looks for a volume must not read all of them from the disk. */
export class StorageObjects {
  readonly #objects: KeptObjects;
  readonly #known = new Map<string, Storage>();

  constructor(objects: KeptObjects) {
    this.#objects = objects;
    for (const kind of ["PersistentVolume", "PersistentVolumeClaim"] as const)
      for (const one of objects.list(kind)) this.#known.set(keyOf(one), one);
    objects.watch(({ type, object }) => {
      if (!isStorage(object)) return;
      if (type === "DELETED") this.#known.delete(keyOf(object));
      else this.#known.set(keyOf(object), object as Storage);
    });
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.#known.get(`PersistentVolumeClaim/${namespace}/${name}`) as PersistentVolumeClaim | undefined;
  }

  volume(name: string | undefined): PersistentVolume | undefined {
    return this.#known.get(`PersistentVolume//${name}`) as PersistentVolume | undefined;
  }

  get all(): readonly Storage[] {
    return [...this.#known.values()];
  }

  get claims(): readonly PersistentVolumeClaim[] {
    return this.all.filter((one) => one.kind === "PersistentVolumeClaim");
  }

  get volumes(): readonly PersistentVolume[] {
    return this.all.filter((one) => one.kind === "PersistentVolume");
  }

  /** Records a change; what is no change is not written. */
  write<T extends Storage>(before: T, change: Partial<Pick<T, "spec" | "status">>): T {
    const after = { ...before, ...change };
    return isDeepStrictEqual(before, after) ? before : this.#objects.write(after);
  }

  remove({ kind, metadata }: Storage): void {
    this.#objects.remove(kind, metadata.namespace, metadata.name);
  }
}
