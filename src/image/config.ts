import { arch } from "node:os";
import { PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";
import type { ImageConfig } from "./types.ts";

/** Node's names of architectures and Go's, which images use. */
const GO_NAMES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** This machine's architecture, as images name it. */
export const machineArchitecture = (): string => GO_NAMES[arch()] ?? arch();

/** Reads an OCI image config (image-spec, config.md). Throws InvalidImage, naming `image` and the field. */
export function readImageConfig(
  raw: unknown,
  image: string,
): { readonly config: ImageConfig; readonly diffIds: readonly string[] } {
  const reader = new FieldReader(image);
  const top = reader.object(raw, "config");
  const run = reader.object(top["config"] ?? {}, "config.config");
  const rootfs = reader.object(top["rootfs"], "config.rootfs");
  return {
    config: {
      user: reader.text(run["User"], "config.User"),
      env: reader.texts(run["Env"], "config.Env"),
      entrypoint: reader.texts(run["Entrypoint"], "config.Entrypoint"),
      cmd: reader.texts(run["Cmd"], "config.Cmd"),
      workingDir: reader.text(run["WorkingDir"], "config.WorkingDir"),
      volumes: readVolumes(reader, run["Volumes"], image),
      stopSignal: reader.text(run["StopSignal"], "config.StopSignal"),
      labels: reader.textMap(run["Labels"], "config.Labels"),
      exposedPorts: Object.keys(reader.object(run["ExposedPorts"] ?? {}, "config.ExposedPorts")),
      architecture: reader.text(top["architecture"], "architecture"),
      os: reader.text(top["os"], "os"),
    },
    diffIds: reader.texts(rootfs["diff_ids"], "rootfs.diff_ids"),
  };
}

/** Each is a mount of every container; more than any image has. */
const VOLUMES_LIMIT = 100;

function readVolumes(reader: FieldReader, raw: unknown, image: string): readonly string[] {
  const volumes = Object.keys(reader.object(raw ?? {}, "config.Volumes"));
  for (const path of volumes) reader.text(path, "config.Volumes");
  if (volumes.length <= VOLUMES_LIMIT) return volumes;
  throw new PodrunError(
    "InvalidImage",
    `image "${image}": config.Volumes has ${volumes.length} folders; at most ${VOLUMES_LIMIT} are mounted`,
    { details: { image, field: "config.Volumes" } },
  );
}

/** Throws WrongArchitecture when this machine cannot run the image. */
export function checkArchitecture(config: Pick<ImageConfig, "architecture" | "os">, image: string): void {
  const machine = machineArchitecture();
  if (config.os === "linux" && config.architecture === machine) return;
  throw wrongArchitecture(image, [`${config.os}/${config.architecture}`], machine);
}

/** `found`: all that the image has, as OS/ARCHITECTURE. */
export function wrongArchitecture(
  image: string,
  found: readonly string[],
  machine = machineArchitecture(),
): PodrunError {
  return new PodrunError(
    "WrongArchitecture",
    `image "${image}" is for ${found.join(", ")}, this machine is linux/${machine}; use an image for linux/${machine}`,
    { details: { image, found, machine: `linux/${machine}` } },
  );
}

type RawObject = Readonly<Record<string, unknown>>;

/** Checks raw JSON field by field. `null` and an absent field are the same: Go programs write both. */
export class FieldReader {
  readonly #image: string;

  constructor(image: string) {
    this.#image = image;
  }

  object(raw: unknown, field: string): RawObject {
    if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return raw as RawObject;
    throw this.#wrong(field, "an object");
  }

  objects(raw: unknown, field: string): readonly RawObject[] {
    if (!Array.isArray(raw)) throw this.#wrong(field, "a list");
    return raw.map((item, index) => this.object(item, `${field}[${index}]`));
  }

  text(raw: unknown, field: string): string {
    if (raw === undefined || raw === null) return "";
    // No C string can hold it, and all of these end up in system calls.
    if (typeof raw === "string" && !raw.includes("\0")) return raw;
    throw this.#wrong(field, "text");
  }

  texts(raw: unknown, field: string): readonly string[] {
    if (raw === undefined || raw === null) return [];
    if (!Array.isArray(raw)) throw this.#wrong(field, "a list of texts");
    return raw.map((item, index) => this.text(item, `${field}[${index}]`));
  }

  textMap(raw: unknown, field: string): Readonly<Record<string, string>> {
    const map = this.object(raw ?? {}, field);
    return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, this.text(value, `${field}.${key}`)]));
  }

  #wrong(name: string, wanted: string): PodrunError {
    const field = plainText(name);
    return new PodrunError("InvalidImage", `image "${this.#image}": ${field} must be ${wanted}`, {
      details: { image: this.#image, field },
    });
  }
}
