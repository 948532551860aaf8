// `describe` of claims, volumes and storage classes, as kubectl lays them out.
import type { KubeEvent } from "../../api/client.ts";
import type { Pod } from "../../spec/pod.ts";
import {
  isDefaultClass,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from "../../spec/storage.ts";
import { claimOf, formatModes, phaseOf } from "../output/storage-columns.ts";
import { describeEvents, formatMap } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

export interface DescribeContext {
  /** Of the claim's namespace. */
  readonly pods: readonly Pod[];
  readonly events: readonly KubeEvent[];
  readonly now: number;
}

export function describeStorage(
  object: PersistentVolume | PersistentVolumeClaim | StorageClass,
  context: DescribeContext,
): string {
  const events = describeEvents(context.events, context.now);
  if (object.kind === "StorageClass") return describeClass(object) + events;
  const text = object.kind === "PersistentVolume" ? describeVolume(object) : describeClaim(object, context.pods);
  return text + events;
}

function describeClaim(claim: PersistentVolumeClaim, pods: readonly Pod[]): string {
  const { metadata, spec, status } = claim;
  const users = pods.filter((pod) => claimsOf(pod).includes(metadata.name)).map((pod) => pod.metadata.name);
  return layOut(
    [
      ["Name:", metadata.name],
      ["Namespace:", metadata.namespace],
      ["StorageClass:", spec.storageClassName ?? ""],
      ["Status:", phaseOf(claim)],
      ["Volume:", spec.volumeName ?? ""],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
      ["Finalizers:", `[${metadata.finalizers?.join(" ") ?? ""}]`],
      ["Capacity:", status.capacity?.storage ?? ""],
      ["Access Modes:", formatModes(status.accessModes)],
      ["VolumeMode:", spec.volumeMode],
      ["Used By:", users.length === 0 ? "<none>" : users.join("\n             ")],
    ],
    0,
  );
}

const claimsOf = ({ metadata, spec }: Pod): readonly string[] =>
  (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) =>
    ephemeral ? [`${metadata.name}-${name}`] : persistentVolumeClaim ? [persistentVolumeClaim.claimName] : [],
  );

function describeVolume(volume: PersistentVolume): string {
  const { metadata, spec, status } = volume;
  const head = layOut(
    [
      ["Name:", metadata.name],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
      ["Finalizers:", `[${metadata.finalizers?.join(" ") ?? ""}]`],
      ["StorageClass:", spec.storageClassName],
      ["Status:", phaseOf(volume)],
      ["Claim:", claimOf(volume)],
      ["Reclaim Policy:", spec.persistentVolumeReclaimPolicy],
      ["Access Modes:", formatModes(spec.accessModes)],
      ["VolumeMode:", spec.volumeMode],
      ["Capacity:", spec.capacity.storage],
      ["Node Affinity:", spec.nodeAffinity?.required ? JSON.stringify(spec.nodeAffinity.required) : "<none>"],
      ["Message:", status.message ?? ""],
    ],
    0,
  );
  return `${head}Source:\n${layOut(sourceLines(spec), 4)}`;
}

function sourceLines({ hostPath, local }: PersistentVolume["spec"]) {
  if (local)
    return [
      ["Type:", "LocalVolume (a persistent volume backed by local storage on a node)"],
      ["Path:", local.path],
    ] as const;
  return [
    ["Type:", "HostPath (bare host directory volume)"],
    ["Path:", hostPath?.path ?? ""],
    ["HostPathType:", hostPath?.type ?? ""],
  ] as const;
}

function describeClass(one: StorageClass): string {
  const { metadata, provisioner, allowVolumeExpansion, reclaimPolicy, volumeBindingMode } = one;
  return layOut(
    [
      ["Name:", metadata.name],
      ["IsDefaultClass:", isDefaultClass(one) ? "Yes" : "No"],
      ...formatMap("Annotations:", metadata.annotations, "="),
      ["Provisioner:", provisioner],
      ["Parameters:", "<none>"],
      [
        "AllowVolumeExpansion:",
        allowVolumeExpansion === undefined ? "<unset>" : allowVolumeExpansion ? "True" : "False",
      ],
      ["MountOptions:", "<none>"],
      ["ReclaimPolicy:", reclaimPolicy],
      ["VolumeBindingMode:", volumeBindingMode],
    ],
    0,
  );
}
