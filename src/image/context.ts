import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { ImageFolders } from "./folders.ts";
import type { LayerPool } from "./layer-pool.ts";
import type { SignedCopyRequest } from "./registry/signed-pull.ts";
import type { RegistryFiles, RepositoryClient, RepositoryOptions } from "./registry/types.ts";
import type { ImageRecords, LayerPacker } from "./types.ts";
import type { ImageUse } from "./use.ts";

/** The way to registries, so that tests need none. */
export interface RegistryAccess {
  readonly files: RegistryFiles;
  readonly open: (options: RepositoryOptions) => RepositoryClient;
  /** skopeo's copy: it alone checks signatures. Throws ImageRejected when there is none that the policy wants. */
  readonly copySigned: (request: SignedCopyRequest) => Promise<void>;
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
