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
  /** Owner and mode of the image's `/`; absent: root's, 0755. */
  readonly top?: FolderOwner | undefined;
  /** The image's /etc/passwd and /etc/group, at most 64 KiB each, read at import (design, section 2). */
  readonly passwd: string;
  readonly group: string;
}

export interface FolderOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** An image as it is recorded. */
export interface ImageRecord {
  /** sha256:… of the config. */
  readonly id: string;
  readonly config: ImageConfig;
  /** The config's JSON, byte for byte: its digest is the id. Absent in records of podrun 0.1.0, which cannot be saved. */
  readonly rawConfig?: string;
  /** Diff ids (sha256:… of the uncompressed layers), lowest first. */
  readonly layers: readonly string[];
  readonly passwd: string;
  readonly group: string;
  /** Bytes of all its layers' files. */
  readonly size: number;
  /** When it was pulled, loaded or imported here; RFC 3339. */
  readonly importedAt: string;
  /** sha256:… of the archive that it came from, for the image that podrun brings along. */
  readonly archive?: string;
}

export interface LayerRecord {
  /** Diff id. */
  readonly digest: string;
  /** Name of its folder in the layers' folder. `images/skeletons/FOLDER.zst` holds what of its tar is not files' content. */
  readonly folder: string;
  /** Bytes of its files. */
  readonly size: number;
  /** Bytes of its uncompressed archive; absent in records of podrun 0.1.0, whose layers have no skeleton either. */
  readonly tarSize?: number | undefined;
}

/**
 * Writes layers into folders, and makes the same archives of them again, where a layer can reach nothing outside itself
 * (design, section 6). `sandbox/` implements it with plans.
 */
export interface LayerPacker {
  /** Begins to unpack an uncompressed tar archive into an empty folder. Throws OperationFailed, MonitorGone. */
  unpack(request: UnpackRequest): Promise<Unpacking>;
  /** The archive that a folder was unpacked from, byte for byte, out of its skeleton. The reader checks the digest. */
  pack(request: PackRequest): Promise<NodeJS.ReadableStream>;
  /** Whether a folder in an unpacked layer hides what lower layers have in its place. */
  isOpaque(folder: string): boolean;
  /** Advises the file system that the folders in this one have nothing to do with one another; it need not know how. */
  spread(folder: string): void;
}

export interface UnpackRequest {
  /** Absolute; it exists, is empty, and is the layer's root. */
  readonly folder: string;
  /** For errors: the image's reference, and the layer's digest as its manifest names it. */
  readonly image: string;
  readonly layer: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Unpacking {
  /** The archive goes here; `end()` says that this was all of it. */
  readonly archive: import("node:stream").Writable;
  /** The archive's skeleton (native/README.md): must be read to its end. */
  readonly skeleton: import("node:stream").Readable;
  /**
   * Resolves when everything has been written. Rejects with InvalidImage (the entry and what is wrong with it),
   * StateUnavailable (the file system is full), Cancelled, MonitorGone; the folder then holds a part and is to be removed.
   */
  readonly done: Promise<{ readonly files: number; readonly bytes: number }>;
}

export interface PackRequest {
  readonly folder: string;
  readonly layer: string;
  /** Uncompressed. */
  readonly skeleton: NodeJS.ReadableStream;
  readonly signal?: AbortSignal | undefined;
}

/** A user of a registry. `identityToken`: an OAuth2 refresh token, as `docker login` keeps for some registries. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string | undefined;
}

/** The content of an auth file (containers-auth.json(5)) or of a Secret of type kubernetes.io/dockerconfigjson. */
export interface DockerConfig {
  readonly auths?: Readonly<
    Record<
      string,
      {
        readonly auth?: string;
        readonly username?: string;
        readonly password?: string;
        readonly identitytoken?: string;
      }
    >
  >;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

export interface PullRequest {
  /** As the user wrote it. */
  readonly reference: string;
  /** `linux/arm64`, `linux/arm/v7`; default: this machine's. */
  readonly platform?: string | undefined;
  /** `--creds`: tried before everything else, and alone. */
  readonly credentials?: Credentials | undefined;
  /** imagePullSecrets, in their order: tried before the machine's auth files. */
  readonly pullSecrets?: readonly DockerConfig[] | undefined;
  /** `--tls-verify=false`: plain HTTP and unknown certificates are fine. Default: what registries.conf says. */
  readonly tlsVerify?: boolean | undefined;
  readonly authFile?: string | undefined;
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a pull tells while it goes on; the API sends each as a line of JSON. */
export type PullProgress =
  /** The manifest is known, and policy.json (`file`, `scope` in it) wants a signature of it, which is looked for now. */
  | { readonly type: "verifying"; readonly file: string; readonly scope: string }
  /** The manifest is known. `layers`: lowest first; `size`: bytes to fetch. */
  | {
      readonly type: "resolved";
      readonly reference: string;
      readonly digest: string;
      readonly source: string;
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    }
  /** One layer's state. `bytes` of `size` have come, `unpacked` bytes of it have been written. At most ten a second a layer. */
  | {
      readonly type: "layer";
      readonly digest: string;
      readonly state: "waiting" | "exists" | "downloading" | "unpacking" | "retrying" | "done";
      readonly bytes: number;
      readonly size: number;
      readonly unpacked: number;
      /** With `retrying`: why. */
      readonly message?: string;
    }
  /** All layers are there: they are put on the disk and recorded. */
  | { readonly type: "recording" };

export interface PulledImage {
  readonly id: string;
  /** Normalised. */
  readonly reference: string;
  /** Of the manifest that the reference named: the index's where there is one. */
  readonly digest: string;
  /** The reference meant this image already: nothing was fetched but its manifest. */
  readonly unchanged: boolean;
  /** Bytes of all its layers' files. */
  readonly size: number;
}

/** An image as `podrun images` shows it. */
export interface ListedImage {
  readonly id: string;
  /** Normalised names: with tags, and with digests. None with a tag: a dangling image. */
  readonly references: readonly string[];
  readonly size: number;
  /** When it was made, as its config says; absent when it does not. RFC 3339. */
  readonly createdAt?: string;
  readonly importedAt: string;
  /** Containers that use it. */
  readonly containers: number;
}

/** As `docker image inspect` and `podman image inspect` show it. */
export interface InspectedImage {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Created?: string | undefined;
  readonly Architecture: string;
  readonly Os: string;
  readonly Size: number;
  readonly Author?: string | undefined;
  /** The OCI config's `config` object, as it is there. */
  readonly Config: unknown;
  readonly RootFS: { readonly Type: "layers"; readonly Layers: readonly string[] };
  readonly History: readonly unknown[];
  /** Bytes of each layer's files, in the order of RootFS.Layers. */
  readonly LayerSizes: readonly number[];
  readonly Labels: Readonly<Record<string, string>>;
}

export interface RemovedImages {
  /** Names that mean nothing any more. */
  readonly untagged: readonly string[];
  /** Ids of images that are gone. */
  readonly deleted: readonly string[];
  readonly reclaimedBytes: number;
}

/** The images that are here, for the layers above. `Images` implements it. */
export interface ImageService {
  /** Throws ImageNotFound, WrongArchitecture, InvalidImage. */
  resolve(reference: string): Promise<RuntimeImage>;
  /**
   * Like {@link resolve}, and until `release` the image is in use: neither `remove` nor garbage collection takes it. Whoever
   * creates a container holds its image until the container is on record.
   */
  hold(reference: string): Promise<{ readonly image: RuntimeImage; readonly release: () => void }>;
  /**
   * Brings an image in, or finds that the name still means the one that is here. Pulls of one reference with the same
   * credentials are one; different ones go on side by side, and share layers. `podrun.local/` is never asked for anywhere.
   * Throws ImageNotFound, WrongArchitecture, InvalidImage, RegistryUnauthorized, RegistryUnreachable, RegistryThrottled,
   * ImageRejected, StateUnavailable, Cancelled; nothing but whole layers is left then.
   */
  pull(request: PullRequest): Promise<PulledImage>;
  list(): readonly ListedImage[];
  inspect(reference: string): Promise<InspectedImage>;
  /** An archive (OCI layout or docker-archive, also compressed) or an OCI layout's folder; the images' normalised names, or ids. */
  load(
    source: string | NodeJS.ReadableStream,
    options?: { readonly name?: string; readonly signal?: AbortSignal },
  ): Promise<readonly string[]>;
  /** One archive that `load`, `docker load`, `podman load` and skopeo read. Layers are as they came, uncompressed. */
  save(references: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<NodeJS.ReadableStream>;
  /** A root file system's tar (also compressed) becomes an image of one layer; `changes` as `docker import --change`. The image's id. */
  importRootfs(
    source: NodeJS.ReadableStream,
    options: {
      readonly reference?: string | undefined;
      readonly changes?: readonly string[];
      readonly message?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<string>;
  /** `target` means from now on what `source` means now. */
  tag(source: string, target: string): Promise<void>;
  /** A name goes, and with its last name the image; by id all names with `force`. Throws ImageInUse, ImageNotFound, Conflict. */
  remove(reference: string, options?: { readonly force?: boolean }): Promise<RemovedImages>;
  /** Removes images without names, with `all` every unused one, and layers without images. `before`: used last before (ms). */
  prune(options?: {
    readonly all?: boolean;
    readonly before?: number | undefined;
    readonly dryRun?: boolean;
  }): Promise<RemovedImages>;
}

/** Registries' accounts: `podrun login` and `logout`. */
export interface LoginService {
  /** Tries the account at the registry, then writes it down. The file that it was written to. Throws RegistryUnauthorized … */
  login(request: LoginRequest): Promise<{ readonly file: string }>;
  /** Throws NotFound when there was none. */
  logout(request: {
    readonly registry?: string | undefined;
    readonly all?: boolean;
    readonly authFile?: string | undefined;
  }): Promise<{ readonly file: string }>;
  /** Who is logged in; undefined: nobody. */
  loggedIn(registry: string, authFile?: string): Promise<string | undefined>;
}

export interface LoginRequest {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly authFile?: string | undefined;
  readonly tlsVerify?: boolean | undefined;
}

/** A container of a pod, as an image's user. */
export interface UsingContainer {
  readonly container: string;
  readonly pod: string;
}

export interface RecordedImage {
  readonly image: ImageRecord;
  readonly references: readonly string[];
  /** When a container was last created from it, or found using it; milliseconds since the epoch, 0: never. */
  readonly lastUsed: number;
}

/** Where image records are kept: `store/` implements it. Each change is one transaction. */
export interface ImageRecords {
  /** Records an image with its layers; the references point to it from now on. */
  add(image: ImageRecord, references: readonly string[], layers: readonly LayerRecord[]): void;
  /** Layers without an image: what an interrupted pull had finished. */
  addLayers(layers: readonly LayerRecord[]): void;
  get(id: string): ImageRecord | undefined;
  find(reference: string): ImageRecord | undefined;
  list(): readonly RecordedImage[];
  layer(digest: string): LayerRecord | undefined;
  layers(): readonly LayerRecord[];
  /** Digests of layers that no image has. */
  orphans(): readonly string[];
  /** The reference points to this image from now on. */
  tag(reference: string, id: string): void;
  untag(references: readonly string[]): void;
  /** With all its references. Returns the layers that no image has any more, but for those in `keep`. */
  remove(id: string, keep?: ReadonlySet<string>): readonly LayerRecord[];
  /** Drops those of the layers that no image has, and returns them. */
  removeLayers(digests: readonly string[]): readonly LayerRecord[];
  /** The images were in use at this moment (ms). A power cut may lose it. */
  touch(ids: readonly string[], at: number): void;
}
