// Images that are volumes (Volume.image): how they come, and who needs them meanwhile.
import type { RuntimeImage } from "../image/types.ts";
import type { Container, Pod } from "../spec/index.ts";
import type { VolumeSources } from "./volumes.ts";

interface Held {
  readonly image: RuntimeImage;
  readonly release: () => void;
}

/** By the volume's name. */
export type HeldVolumes = ReadonlyMap<string, Held>;

/**
 * The images of a container's volumes as containers of their own, so that they are pulled, backed off from and told of like
 * a container's image.
 */
export function volumeImages(spec: Container, pod: Pod): readonly (readonly [volume: string, spec: Container])[] {
  const mounted = new Set(spec.volumeMounts?.map(({ name }) => name));
  return (pod.spec.volumes ?? []).flatMap(({ name, image }) =>
    image && mounted.has(name)
      ? [
          [
            name,
            { ...spec, name: `${spec.name}/${name}`, image: image.reference, imagePullPolicy: image.pullPolicy },
          ] as const,
        ]
      : [],
  );
}

/** Where mounts of volumes come from, those of images with them. */
export const withImages = (
  volumes: VolumeSources,
  held: ReadonlyMap<string, { readonly image: RuntimeImage }>,
): VolumeSources =>
  new Map([
    ...volumes,
    ...[...held].map(([name, { image }]) => {
      const source = { kind: "layers", image } as const;
      return [name, { source, readOnly: true, relabel: false, folderMode: 0o755 }] as const;
    }),
  ]);

/**
 * Holds what has come until all of a container's images are there: with pull policy Always, what is let go would be asked for
 * once more.
 */
export class VolumeImages<T> {
  readonly #take: (tracked: T, spec: Container, pod: Pod) => Promise<Held | undefined>;
  readonly #kept = new Map<string, Held>();

  constructor(take: (tracked: T, spec: Container, pod: Pod) => Promise<Held | undefined>) {
    this.#take = take;
  }

  /** All of them, to be released by the caller or {@link keep}t; undefined: some are not here yet. */
  async take(tracked: T, spec: Container, pod: Pod): Promise<HeldVolumes | undefined> {
    const held = new Map<string, Held>();
    const wanted = volumeImages(spec, pod);
    for (const [volume, own] of wanted) {
      const one = this.#kept.get(own.name) ?? (await this.#take(tracked, own, pod));
      this.#kept.delete(own.name);
      if (one) held.set(volume, one);
    }
    if (held.size === wanted.length) return held;
    this.keep(spec, held);
    return undefined;
  }

  /** The container can't be made yet for another reason. */
  keep(spec: Container, held: HeldVolumes): void {
    for (const [volume, one] of held) this.#kept.set(`${spec.name}/${volume}`, one);
  }

  close(): void {
    for (const { release } of this.#kept.values()) release();
    this.#kept.clear();
  }
}
