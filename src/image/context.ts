import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ImageFolders } from "./folders.ts";
import type { LayerPool } from "./layer-pool.ts";
import type { RegistryFiles, RepositoryClient, RepositoryOptions } from "./registry/types.ts";
import type { ImageRecords, ImageUser, LayerPacker } from "./types.ts";
import type { ImageUse } from "./use.ts";

/** What one signed image's copy needs: skopeo, which alone checks signatures, writes it into a folder as an OCI layout. */
export interface SignedCopy {
  /** Normalised, by digest where it was asked for by one. */
  readonly reference: string;
  readonly folder: string;
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string | undefined };
  readonly pull: import("./types.ts").PullRequest;
  readonly signal: AbortSignal;
}

/** The way to registries, so that tests need none. */
export interface RegistryAccess {
  readonly files: RegistryFiles;
  readonly open: (options: RepositoryOptions) => RepositoryClient;
  /** Throws ImageRejected when the signature is not what the policy wants. */
  readonly copySigned: (copy: SignedCopy) => Promise<void>;
}

/** What the verbs share. */
export interface ImageContext {
  readonly records: ImageRecords;
  readonly folders: ImageFolders;
  readonly packer: LayerPacker;
  readonly registry: RegistryAccess;
  readonly layers: LayerPool;
  readonly use: ImageUse;
  readonly clock: Clock;
  readonly log: Logger;
}

export type UsedBy = (imageId: string) => readonly ImageUser[];
