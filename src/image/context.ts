import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ImageFolders } from "./folders.ts";
import type { LayerPool } from "./layer-pool.ts";
import type { SignatureRequest } from "./registry/check-signature.ts";
import type { RegistryFiles, RepositoryClient, RepositoryOptions } from "./registry/types.ts";
import type { ImageRecords, LayerPacker } from "./types.ts";
import type { ImageUse } from "./use.ts";

/** The way to registries, so that tests need none. */
export interface RegistryAccess {
  readonly files: RegistryFiles;
  readonly open: (options: RepositoryOptions) => RepositoryClient;
  /** The config's digest of the image that skopeo found signed. Throws ImageRejected when it is not signed as the policy wants. */
  readonly checkSignature: (request: SignatureRequest) => Promise<string>;
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
