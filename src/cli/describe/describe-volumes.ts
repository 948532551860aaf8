// The volumes of a pod, each in kubectl's words.
import type { Volume } from "../../spec/pod.ts";
import { type Line, layOut } from "./layout.ts";

export function describeVolumes(volumes: readonly Volume[]): string {
  if (volumes.length === 0) return "Volumes:  <none>\n";
  return `Volumes:\n${volumes.map((volume) => `  ${volume.name}:\n${layOut(volumeLines(volume), 4)}`).join("")}`;
}

function volumeLines(volume: Volume): readonly Line[] {
  const { configMap, secret, projected, downwardAPI, persistentVolumeClaim, ephemeral, hostPath, image } = volume;
  if (configMap)
    return [
      ["Type:", "ConfigMap (a volume populated by a ConfigMap)"],
      ["Name:", configMap.name],
      ["Optional:", String(configMap.optional ?? false)],
    ];
  if (secret)
    return [
      ["Type:", "Secret (a volume populated by a Secret)"],
      ["SecretName:", secret.secretName],
      ["Optional:", String(secret.optional ?? false)],
    ];
  if (downwardAPI)
    return [
      ["Type:", "DownwardAPI (a volume populated by information about the pod)"],
      ["Items:", ""],
      ...(downwardAPI.items ?? []).map(
        ({ path, fieldRef, resourceFieldRef }): Line => [
          `  ${fieldRef?.fieldPath ?? resourceFieldRef?.resource} -> ${path}`,
          "",
        ],
      ),
    ];
  if (projected)
    return [
      ["Type:", "Projected (a volume that contains injected data from multiple sources)"],
      ...(projected.sources ?? []).flatMap(projectedLines),
    ];
  if (persistentVolumeClaim)
    return [
      ["Type:", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"],
      ["ClaimName:", persistentVolumeClaim.claimName],
      ["ReadOnly:", String(persistentVolumeClaim.readOnly ?? false)],
    ];
  if (ephemeral)
    return [
      ["Type:", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)"],
    ];
  if (hostPath)
    return [
      ["Type:", "HostPath (bare host directory volume)"],
      ["Path:", hostPath.path],
      ["HostPathType:", hostPath.type],
    ];
  if (image)
    return [
      ["Type:", "Image (a container image or OCI artifact)"],
      ["Reference:", image.reference],
      ["PullPolicy:", image.pullPolicy ?? ""],
    ];
  return [
    ["Type:", "EmptyDir (a temporary directory that shares a pod's lifetime)"],
    ["Medium:", volume.emptyDir?.medium ?? ""],
    ["SizeLimit:", volume.emptyDir?.sizeLimit ?? "<unset>"],
  ];
}

type ProjectedSource = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

function projectedLines({ configMap, secret, downwardAPI }: ProjectedSource): readonly Line[] {
  return [
    ...(secret
      ? [["SecretName:", secret.name] as const, ["Optional:", String(secret.optional ?? false)] as const]
      : []),
    ...(downwardAPI ? [["DownwardAPI:", "true"] as const] : []),
    ...(configMap
      ? [["ConfigMapName:", configMap.name] as const, ["Optional:", String(configMap.optional ?? false)] as const]
      : []),
  ];
}
