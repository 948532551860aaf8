import type { Config } from "../base/config.ts";
import type { Logger } from "../base/logger.ts";
import { ImageCollector, Images, openRegistries, type Registries, type UsingContainer } from "../image/index.ts";
import { PlanLayerPacker } from "../sandbox/layer-packer.ts";
import type { RuntimeService } from "../sandbox/types.ts";
import type { Store } from "../store/index.ts";
import { baseImageArchive, monitorBinary } from "./files.ts";
import { readCollectSettings } from "./image-settings.ts";
import type { Kept } from "./parts.ts";

export interface OpenedImages {
  readonly images: Images;
  readonly logins: Registries["login"];
  /** All that nobody uses, however new. */
  readonly removeUnused: () => Promise<void>;
  readonly stop: () => void;
}

/** The images with their way to registries; what killed pulls left is on its way out. */
export function openImages(config: Config, store: Store<Kept>, runtime: RuntimeService, log: Logger): OpenedImages {
  const registry = openRegistries({ warn: (text) => log.warn(text) });
  const images = new Images({
    root: config.root,
    records: store.images,
    packer: new PlanLayerPacker({ binary: monitorBinary() }),
    registry,
    usedBy: (id) => imageUsers(runtime, id),
    embedded: { reference: "podrun.local/base", archive: baseImageArchive() },
    log,
  });
  images.recover().catch((error: unknown) => log.failure("what killed pulls left can't be removed", error));
  const collector = new ImageCollector({
    context: images.context,
    settings: readCollectSettings(),
    keep: images.embeddedName,
  });
  collector.start();
  images.onFullDisk = () => void collector.run();
  return { images, logins: registry.login, removeUnused: () => collector.collectAll(), stop: () => collector.stop() };
}

/** The containers on record that were made from an image: none of them can do without its layers, running or not. */
function imageUsers(runtime: RuntimeService, imageId: string): readonly UsingContainer[] {
  const containers = runtime
    .listContainers()
    .filter((container) => container.imageId === imageId || container.volumeImageIds?.includes(imageId));
  if (containers.length === 0) return [];
  const pods = new Map(
    runtime.listSandboxes().map(({ id, metadata }) => [id, `${metadata.namespace}/${metadata.name}`]),
  );
  return containers.map(({ name, sandboxId }) => ({ container: name, pod: pods.get(sandboxId) ?? sandboxId }));
}
