// The pod as every module sees it: decoded, defaulted, validated. The types of metadata and spec come from the tables of
// fields in schema/, so a field that podrun does not support is not in the type either. Status is ours to write.

import type { ConfigMap } from "./config-map.ts";
import type { ObjectMeta } from "./metadata.ts";
import type { Namespace } from "./namespace.ts";
import type { KubeNode } from "./node.ts";
import type { PriorityClass } from "./priority-class.ts";
import type {
  CONTAINER,
  CONTAINER_PORT,
  EPHEMERAL_CONTAINER,
  RESOURCE_REQUIREMENTS,
  SECURITY_CONTEXT,
  VOLUME_MOUNT,
} from "./schema/container-fields.ts";
import type { ENV_FROM_SOURCE, ENV_VAR } from "./schema/env-fields.ts";
import type { HOST_ALIAS, POD_DNS_CONFIG, POD_SECURITY_CONTEXT, POD_SPEC } from "./schema/pod-fields.ts";
import type { LIFECYCLE, PROBE } from "./schema/probe-fields.ts";
import type { APP_ARMOR_PROFILE, SE_LINUX_OPTIONS, SECCOMP_PROFILE } from "./schema/security-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";
import type { VOLUME } from "./schema/volume-fields.ts";
import type { Secret } from "./secret.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "./storage.ts";

export type { ObjectMeta };

export interface EnvFromSource extends ObjectValue<typeof ENV_FROM_SOURCE> {}
export interface EnvVar extends ObjectValue<typeof ENV_VAR> {}
export interface ContainerPort extends ObjectValue<typeof CONTAINER_PORT> {}
export interface ResourceRequirements extends ObjectValue<typeof RESOURCE_REQUIREMENTS> {}
export interface VolumeMount extends ObjectValue<typeof VOLUME_MOUNT> {}
export interface SecurityContext extends ObjectValue<typeof SECURITY_CONTEXT> {}
export interface AppArmorProfile extends ObjectValue<typeof APP_ARMOR_PROFILE> {}
export interface SeLinuxOptions extends ObjectValue<typeof SE_LINUX_OPTIONS> {}
export interface SeccompProfile extends ObjectValue<typeof SECCOMP_PROFILE> {}
export interface Container extends ObjectValue<typeof CONTAINER> {}
export interface Probe extends ObjectValue<typeof PROBE> {}
export type ProbeHandler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">;
export interface Lifecycle extends ObjectValue<typeof LIFECYCLE> {}
export type LifecycleHandler = NonNullable<Lifecycle["postStart"]>;
export interface EphemeralContainer extends ObjectValue<typeof EPHEMERAL_CONTAINER> {}
export interface PodSecurityContext extends ObjectValue<typeof POD_SECURITY_CONTEXT> {}
export interface Volume extends ObjectValue<typeof VOLUME> {}
export interface PodDNSConfig extends ObjectValue<typeof POD_DNS_CONFIG> {}
export interface HostAlias extends ObjectValue<typeof HOST_ALIAS> {}
export interface PodSpec extends ObjectValue<typeof POD_SPEC> {}

export interface Pod {
  apiVersion: "v1";
  kind: "Pod";
  metadata: ObjectMeta;
  spec: PodSpec;
  status: PodStatus;
}

/** Every kind that podrun knows. */
export type KubeObject =
  | Pod
  | ConfigMap
  | Secret
  | Namespace
  | PersistentVolumeClaim
  | PersistentVolume
  | StorageClass
  | PriorityClass
  | KubeNode;

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** core/v1 PodStatus. Times are RFC 3339, in UTC. */
export interface PodStatus {
  phase: PodPhase;
  reason?: string;
  message?: string;
  conditions?: PodCondition[];
  hostIP?: string;
  hostIPs?: { ip: string }[];
  podIP?: string;
  podIPs?: { ip: string }[];
  startTime?: string;
  /** The node on which others are going to make room for it. */
  nominatedNodeName?: string;
  qosClass?: QosClass;
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
  ephemeralContainerStatuses?: ContainerStatus[];
  observedGeneration?: number;
}

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

export type PodConditionType =
  | "PodReadyToStartContainers"
  | "Initialized"
  | "Ready"
  | "ContainersReady"
  | "PodScheduled"
  | "DisruptionTarget"
  | "PodResizePending"
  | "PodResizeInProgress";

export interface PodCondition {
  /** podrun's own, or one that somebody else writes (PodSpec.readinessGates). */
  type: PodConditionType | (string & {});
  status: "True" | "False" | "Unknown";
  /** Always null in Kubernetes' answers; nothing probes conditions. */
  lastProbeTime?: string | null;
  lastTransitionTime?: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

export interface ContainerStatus {
  name: string;
  image: string;
  imageID: string;
  /** podrun://ID */
  containerID?: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  state: ContainerState;
  lastState: ContainerState;
  /** What it has been given of the node: its requests, as they were accepted last. */
  allocatedResources?: NonNullable<ResourceRequirements["requests"]>;
  /** What is in force. */
  resources?: ResourceRequirements;
}

/** At most one of the three is there. */
export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt: string };
  terminated?: {
    exitCode: number;
    signal?: number;
    reason?: string;
    message?: string;
    startedAt?: string;
    finishedAt?: string;
    containerID?: string;
  };
}
