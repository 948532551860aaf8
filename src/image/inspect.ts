import { PodrunError } from "../base/errors.ts";
import type { ImageContext } from "./context.ts";
import { findImage } from "./find.ts";
import type { ImageRecord, InspectedImage } from "./types.ts";

type Raw = Readonly<Record<string, unknown>>;

export function inspectImage({ records }: ImageContext, argument: string, embedded?: string): InspectedImage {
  const { image } = findImage(records, argument, embedded);
  const references = records.list().find((one) => one.image.id === image.id)?.references ?? [];
  const raw = rawConfigOf(image);
  const text = (field: string): string | undefined => (typeof raw[field] === "string" ? raw[field] : undefined);
  return {
    Id: image.id,
    RepoTags: references.filter((name) => !name.includes("@")),
    RepoDigests: references.filter((name) => name.includes("@")),
    Created: text("created"),
    Architecture: image.config.architecture,
    Os: image.config.os,
    Size: image.size,
    Author: text("author"),
    Config: raw["config"] ?? configOf(image),
    RootFS: { Type: "layers", Layers: image.layers },
    History: Array.isArray(raw["history"]) ? raw["history"] : [],
    LayerSizes: image.layers.map((digest) => records.layer(digest)?.size ?? 0),
    Labels: image.config.labels,
  };
}

/** Empty for images of podrun 0.1.0, which kept what it needed of it only. */
export function rawConfigOf({ id, rawConfig }: ImageRecord): Raw {
  if (rawConfig === undefined) return {};
  try {
    return JSON.parse(rawConfig) as Raw;
  } catch (cause) {
    throw new PodrunError(
      "StateCorrupt",
      `image ${id}: its recorded config is not JSON; remove the image and pull it again`,
      {
        details: { image: id },
        cause,
      },
    );
  }
}

const configOf = ({ config }: ImageRecord): Raw => ({
  User: config.user,
  Env: config.env,
  Entrypoint: config.entrypoint,
  Cmd: config.cmd,
  WorkingDir: config.workingDir,
  Volumes: Object.fromEntries(config.volumes.map((path) => [path, {}])),
  StopSignal: config.stopSignal,
  Labels: config.labels,
  ExposedPorts: Object.fromEntries(config.exposedPorts.map((port) => [port, {}])),
});
