import type { Config } from "../../base/config.ts";
import type { DiskMeter } from "../../linux/disk-meter.ts";
import type { NodeFacts, PodService } from "../../pod/index.ts";
import type { UsageSampler } from "../../pod/sample-usage.ts";

/** What the kubelet's read-only endpoints are built on. */
export interface KubeletOptions {
  readonly config: Pick<Config, "root" | "logs" | "linkPrefix">;
  readonly facts: Pick<NodeFacts, "name" | "cpus" | "memoryBytes">;
  readonly pods: Pick<PodService, "list">;
  readonly sampler: Pick<UsageSampler, "sample">;
  readonly meter: Pick<DiskMeter, "measure">;
  readonly version: string;
}
