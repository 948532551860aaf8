/** The part of an OCI image config that running a container needs (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly volumes: readonly string[];
  /** A name (`SIGQUIT`) or number, as in the image; empty: SIGTERM. */
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  /** `amd64`, `arm64` …: Go's names. */
  readonly architecture: string;
  readonly os: string;
}

/** What the runtime needs of an image; made by `image/`. */
export interface RuntimeImage {
  /** sha256:… of the config. */
  readonly id: string;
  readonly reference: string;
  readonly config: ImageConfig;
  /** Folder that holds all layers, and the short names of this image's, lowest first. */
  readonly layersFolder: string;
  readonly layers: readonly string[];
  /** The image's /etc/passwd and /etc/group, at most 64 KiB each, read at import (design, section 2). */
  readonly passwd: string;
  readonly group: string;
}

/** An image as it is recorded. */
export interface ImageRecord {
  /** sha256:… of the config. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Diff ids (sha256:… of the uncompressed layers), lowest first. */
  readonly layers: readonly string[];
  readonly passwd: string;
  readonly group: string;
  /** Bytes of all its layers' files. */
  readonly size: number;
  /** RFC 3339. */
  readonly importedAt: string;
  /** sha256:… of the archive that it came from; absent when it came from a folder. */
  readonly archive?: string;
}

export interface LayerRecord {
  /** Diff id. */
  readonly digest: string;
  /** Name of its folder in the layers' folder. */
  readonly folder: string;
  readonly size: number;
}

/** Where image records are kept: `store/` implements it. Each change is one transaction. */
export interface ImageRecords {
  add(image: ImageRecord, references: readonly string[], layers: readonly LayerRecord[]): void;
  get(id: string): ImageRecord | undefined;
  find(reference: string): ImageRecord | undefined;
  list(): readonly { readonly image: ImageRecord; readonly references: readonly string[] }[];
  layer(digest: string): LayerRecord | undefined;
  layers(): readonly LayerRecord[];
  /** Returns the layers that no image has any more. */
  remove(id: string): readonly LayerRecord[];
}
