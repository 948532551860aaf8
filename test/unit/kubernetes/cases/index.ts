// All that Kubernetes is asked, by the file that its answers are kept in.
import type { Settings } from "./case.ts";
import { CONTAINER_CASES } from "./containers.ts";
import * as kept from "./kept.ts";
import { PLACEMENT_CASES } from "./placement.ts";
import { POD, POD_CASES } from "./pods.ts";
import { PROBE_CASES } from "./probes.ts";
import { RESOURCE_CASES } from "./resources.ts";
import { SECURITY_CASES } from "./security.ts";
import { VOLUME_CASES } from "./volumes.ts";

export interface Group {
  readonly base: object;
  readonly cases: readonly Settings[];
}

export const GROUPS: Readonly<Record<string, Group>> = {
  pods: { base: POD, cases: POD_CASES },
  containers: { base: POD, cases: CONTAINER_CASES },
  probes: { base: POD, cases: PROBE_CASES },
  resources: { base: POD, cases: RESOURCE_CASES },
  placement: { base: POD, cases: PLACEMENT_CASES },
  security: { base: POD, cases: SECURITY_CASES },
  volumes: { base: POD, cases: VOLUME_CASES },
  "config-maps": { base: kept.CONFIG_MAP, cases: kept.CONFIG_MAP_CASES },
  secrets: { base: kept.SECRET, cases: kept.SECRET_CASES },
  namespaces: { base: kept.NAMESPACE, cases: kept.NAMESPACE_CASES },
  claims: { base: kept.CLAIM, cases: kept.CLAIM_CASES },
  "persistent-volumes": { base: kept.VOLUME, cases: kept.VOLUME_CASES },
  "storage-classes": { base: kept.STORAGE_CLASS, cases: kept.STORAGE_CLASS_CASES },
  "priority-classes": { base: kept.PRIORITY_CLASS, cases: kept.PRIORITY_CLASS_CASES },
};
