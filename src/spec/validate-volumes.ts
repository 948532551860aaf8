// Rules of volumes and of their mounts (pkg/apis/core/validation, ValidateVolumes, ValidateVolumeMounts).

import { posix } from "node:path";
import { elementPath } from "./path.ts";
import type { Container, Pod, Volume, VolumeMount } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { hugepagesAsked, hugepagesOfMedium } from "./resources.ts";
import { FORMATS, quote } from "./schema/format.ts";
import { validateFieldPath, validateResourceField } from "./validate-environment.ts";
import { validateClaimSpec } from "./validate-storage.ts";

/** Fields that a file of the downward API may hold. */
const FILE_FIELDS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.labels",
  "metadata.annotations",
] as const;

export function validateVolumes(pod: Pod): Problem[] {
  return (pod.spec.volumes ?? []).flatMap((volume, index) => {
    const path = elementPath("spec.volumes", index);
    const [first, second] = Object.keys(volume).filter((key) => key !== "name");
    if (second !== undefined) return [invalid(path, `has both ${first} and ${second}; a volume has one source`)];
    if (volume.emptyDir) return validateMedium(volume.emptyDir.medium, `${path}.emptyDir.medium`, pod);
    return volume.ephemeral ? validateTemplate(volume, path, pod) : validateContent(volume, path, pod);
  });
}

/** Under a kubelet such a pod would wait for its mount without end (emptydir, getPageSizeMountOption). */
function validateMedium(medium: string | undefined, path: string, { spec }: Pod): Problem[] {
  const asked = hugepagesAsked(spec);
  if (!medium?.startsWith("HugePages") || hugepagesOfMedium(medium, asked) !== undefined) return [];
  if (medium === "HugePages" && asked.length > 1)
    return [invalid(path, `the pod asks for ${asked.join(" and ")}; write HugePages-1Gi or HugePages-2Mi`)];
  const wanted = medium === "HugePages" ? "hugepages-2Mi or hugepages-1Gi" : medium.replace("HugePages", "hugepages");
  return [invalid(path, `${quote(medium)} needs a container that asks for ${wanted} in its resources`)];
}

function validateTemplate({ name, ephemeral }: Volume, path: string, { metadata }: Pod): Problem[] {
  const spec = ephemeral?.volumeClaimTemplate.spec;
  const problems = spec ? validateClaimSpec(spec, `${path}.ephemeral.volumeClaimTemplate.spec`) : [];
  const wrong = FORMATS.dnsSubdomain(`${metadata.name || "x"}-${name}`);
  if (wrong !== undefined) problems.push(invalid(`${path}.name`, `the claim's name POD-VOLUME: ${wrong}`));
  return problems;
}

/** The files of a projected volume come from several places: two of them may not be one. */
function validateContent({ downwardAPI, projected }: Volume, path: string, pod: Pod): Problem[] {
  const problems = validateFiles(downwardAPI?.items, `${path}.downwardAPI.items`, pod);
  const taken = new Map<string, string>();
  for (const [index, source] of (projected?.sources ?? []).entries()) {
    const at = elementPath(`${path}.projected.sources`, index);
    const [kind, second] = Object.keys(source);
    if (kind === undefined || second !== undefined) {
      problems.push(invalid(at, "must have exactly one of configMap, secret and downwardAPI"));
      continue;
    }
    problems.push(...validateFiles(source.downwardAPI?.items, `${at}.downwardAPI.items`, pod));
    const items = source.configMap?.items ?? source.secret?.items ?? source.downwardAPI?.items ?? [];
    for (const [item, given] of items.entries()) {
      const place = `${elementPath(`${at}.${kind}.items`, item)}.path`;
      const file = posix.normalize(given.path);
      const other = taken.get(file);
      if (other === undefined) taken.set(file, place);
      else problems.push(invalid(place, `${quote(given.path)} is used twice: ${other} has it too`));
    }
  }
  return problems;
}

type DownwardItems = NonNullable<Volume["downwardAPI"]>["items"];

function validateFiles(items: DownwardItems, path: string, pod: Pod): Problem[] {
  return (items ?? []).flatMap(({ fieldRef, resourceFieldRef }, index) => {
    const at = elementPath(path, index);
    if ((fieldRef === undefined) === (resourceFieldRef === undefined))
      return [invalid(at, "must have exactly one of fieldRef and resourceFieldRef")];
    if (fieldRef) return validateFieldPath(fieldRef.fieldPath, FILE_FIELDS, `${at}.fieldRef.fieldPath`);
    if (resourceFieldRef === undefined) return [];
    if (resourceFieldRef.containerName === undefined)
      return [invalid(`${at}.resourceFieldRef.containerName`, "required, but missing: a file is no container's")];
    return validateResourceField(resourceFieldRef, pod, `${at}.resourceFieldRef`);
  });
}

export function validateMounts(container: Container, path: string, pod: Pod): Problem[] {
  const volumes = new Map((pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = elementPath(`${path}.volumeMounts`, index);
    const problems: Problem[] = [];
    if (!volumes.has(mount.name)) {
      const known =
        volumes.size === 0 ? "the pod has none" : `the pod has ${[...volumes.keys()].map(quote).join(", ")}`;
      problems.push(invalid(`${at}.name`, `no volume ${quote(mount.name)} in spec.volumes; ${known}`));
    }
    if (mount.subPath !== undefined && mount.subPathExpr !== undefined)
      problems.push(invalid(`${at}.subPathExpr`, "given together with subPath; a mount has one of them"));
    problems.push(...validatePropagation(mount, at, { container, volume: volumes.get(mount.name) }));
    return problems;
  });
}

function validatePropagation(
  mount: VolumeMount,
  path: string,
  { container, volume }: { readonly container: Container; readonly volume: Volume | undefined },
): Problem[] {
  const problems: Problem[] = [];
  const { mountPropagation = "None", recursiveReadOnly = "Disabled", readOnly } = mount;
  if (mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true)
    problems.push(invalid(`${path}.mountPropagation`, "Bidirectional is for privileged containers only"));
  // What a container mounts in a volume of podrun's own would be in the way when the volume is removed.
  if (mountPropagation !== "None" && volume !== undefined && volume.hostPath === undefined) {
    const text = `${mountPropagation} is supported for hostPath volumes only; write None`;
    problems.push({ code: "UnsupportedField", path: `${path}.mountPropagation`, text });
  }
  if (recursiveReadOnly === "Disabled") return problems;
  if (readOnly !== true)
    problems.push(invalid(`${path}.recursiveReadOnly`, `${recursiveReadOnly} needs readOnly: true`));
  if (mountPropagation !== "None")
    problems.push(invalid(`${path}.recursiveReadOnly`, `${recursiveReadOnly} needs mountPropagation None`));
  return problems;
}
