import type { Config } from "../base/config.ts";
import type { Logger } from "../base/logger.ts";
import type { ImageRecord, Images } from "../image/index.ts";
import type { Nft } from "../linux/nftables/index.ts";
import type { PodNetwork } from "../net/index.ts";
import type { Pods } from "../pod/index.ts";
import type { MachineFacts } from "../sandbox/facts.ts";
import type { ContainerRecord, SandboxRecord } from "../sandbox/records.ts";
import type { RuntimeService } from "../sandbox/types.ts";
import type { Store } from "../store/index.ts";

/** What the store keeps for the layers above it. */
export interface Kept {
  readonly image: ImageRecord;
  readonly network: PodNetwork;
  readonly sandbox: SandboxRecord;
  readonly container: ContainerRecord;
}

/** The parts of a running daemon, for its system commands to look at. */
export interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly store: Store<Kept>;
  readonly facts: MachineFacts;
  readonly nft: Nft;
  readonly runtime: RuntimeService;
  readonly pods: Pods;
  readonly images: Images;
}
