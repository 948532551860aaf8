import { PodrunError } from "../base/errors.ts";
import type { SandboxStatus, VolumeTree } from "../sandbox/types.ts";
import type { Pod, Volume } from "../spec/index.ts";
import type { Node } from "./node.ts";
import { messageOf, record } from "./record.ts";
import { environmentFacts } from "./run-container.ts";
import { buildContent, hasContent, volumeObjects } from "./volume-content.ts";

/** Keeps what a pod's volumes of configuration hold as its objects are: at first, and at every change. */
export class ConfigVolumes {
  readonly #node: Node;
  /** Something of what they are made from may be another. */
  #stale = true;
  /** Made from immutable objects only: never read again. */
  readonly #final = new Set<string>();

  constructor(node: Node) {
    this.#node = node;
  }

  changed(): void {
    this.#stale = true;
  }

  /** Before a sandbox is made: throws NotFound or InvalidObject for what its volumes can't do without, naming the volume. */
  check(pod: Pod): void {
    this.#stale = true;
    this.#final.clear();
    buildVolumes(this.#node, pod);
  }

  /**
   * Writes what is another. A volume that has content keeps it where its objects are gone, and an event says so. Throws what
   * keeps containers from starting: no content yet, or a write that failed.
   */
  async write(pod: Pod, sandbox: SandboxStatus): Promise<void> {
    if (!this.#stale) return;
    this.#stale = false;
    const volumes = (pod.spec.volumes ?? []).filter(hasContent);
    if (volumes.length === 0) return;
    const written = this.#node.runtime.writtenVolumes(sandbox.id);
    const trees: Record<string, VolumeTree> = {};
    try {
      for (const volume of volumes) {
        if (this.#final.has(volume.name) && written.has(volume.name)) continue;
        const tree = this.#update(volume, pod, written.has(volume.name));
        if (tree) trees[volume.name] = tree;
      }
      await this.#node.runtime.writeVolumes(sandbox.id, trees);
    } catch (error) {
      this.#stale = true;
      throw error;
    }
    for (const { name } of volumes.filter((volume) => volume.name in trees && this.#isFinal(volume, pod)))
      this.#final.add(name);
  }

  #update(volume: Volume, pod: Pod, isWritten: boolean): VolumeTree | undefined {
    try {
      return buildVolume(this.#node, volume, pod);
    } catch (error) {
      if (!isWritten) throw error;
      record(this.#node, pod, "Warning", "FailedMount", mountFailure(error));
      return undefined;
    }
  }

  #isFinal(volume: Volume, { metadata }: Pod): boolean {
    const objects = volumeObjects(volume);
    const isImmutable = (kind: "ConfigMap" | "Secret", name: string): boolean =>
      this.#node.objects.find(kind, metadata.namespace, name)?.immutable === true;
    const isDownward = volume.projected?.sources?.some(({ downwardAPI }) => downwardAPI) ?? false;
    return objects.length > 0 && !isDownward && objects.every(([kind, name]) => isImmutable(kind, name));
  }
}

/** What the volumes that podrun writes hold now, by name. Throws as {@link ConfigVolumes.check}. */
export function buildVolumes(node: Node, pod: Pod): Readonly<Record<string, VolumeTree>> {
  const trees: Record<string, VolumeTree> = {};
  for (const volume of pod.spec.volumes ?? []) {
    const tree = buildVolume(node, volume, pod);
    if (tree) trees[volume.name] = tree;
  }
  return trees;
}

function buildVolume(node: Node, volume: Volume, pod: Pod): VolumeTree | undefined {
  try {
    return buildContent(volume, pod, { facts: environmentFacts(node, []), objects: node.objects });
  } catch (cause) {
    if (!(cause instanceof PodrunError)) throw cause;
    const text = `volume "${volume.name}": ${cause.message}`;
    throw new PodrunError(cause.code, text, { details: { ...cause.details, volume: volume.name }, cause });
  }
}

/** The kubelet's words of a volume that can't be set up: `MountVolume.SetUp failed for volume "x" : …`. */
export function mountFailure(error: unknown): string {
  const text = messageOf(error);
  const named = error instanceof PodrunError ? /^(volume "[^"]*"): (.*)$/s.exec(text) : null;
  return named ? `MountVolume.SetUp failed for ${named[1]} : ${named[2]}` : `MountVolume.SetUp failed: ${text}`;
}
