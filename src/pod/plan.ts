import { PodrunError } from "../base/errors.ts";
import type { RuntimeImage } from "../image/types.ts";
import { describe } from "../sandbox/describe.ts";
import type { ContainerConfig } from "../sandbox/types.ts";
import { type Container, type Pod, placedContainers } from "../spec/index.ts";
import { volumeFolder } from "./claims/bind.ts";
import { claimOf } from "./claims/pod-claims.ts";
import { buildVolumes } from "./config-volumes.ts";
import { buildContainerConfig } from "./container-config.ts";
import type { Node } from "./node.ts";
import { Reasons } from "./reasons.ts";
import { containerContext } from "./run-container.ts";
import { sandboxConfig } from "./run-sandbox.ts";
import type { PlannedOperation, PlanSources } from "./types.ts";
import { volumeImages, withImages } from "./volume-images.ts";
import { type VolumeSources, volumeSources } from "./volumes.ts";

/** Stands where a start would put the pod's address, for a container's env that asks for it. */
const UNKNOWN_ADDRESS = "<pod IP>";

/** The plan of each pod's start, worded; nothing is executed or made. Throws ImageNotFound, InvalidObject as a start would fail. */
export async function planPods(
  node: Node,
  pods: readonly Pod[],
  sources: PlanSources = [],
): Promise<readonly PlannedOperation[]> {
  const several = pods.length > 1;
  const plans = await Promise.all(pods.map((pod, index) => planPod(node, pod, new Reasons(sources[index]), several)));
  return plans.flat().map((operation, index) => ({ ...operation, index }));
}

/** A plan executes nothing, so it pulls nothing either. */
async function findImage(node: Node, reference: string): Promise<RuntimeImage> {
  try {
    return await node.images.resolve(reference);
  } catch (cause) {
    if (!(cause instanceof PodrunError) || cause.code !== "ImageNotFound") throw cause;
    const text = `image "${reference}" is not here, and a plan pulls nothing; run podrun pull ${reference} first`;
    throw new PodrunError("ImageNotFound", text, { details: { ...cause.details, image: reference }, cause });
  }
}

/** A claim that a start would make or bind has no folder yet: its name stands for it. Throws NotFound for one that there is not. */
function plannedSources(node: Node, pod: Pod): VolumeSources {
  const sources = new Map(volumeSources(pod, node));
  for (const volume of pod.spec.volumes ?? []) {
    const claim = claimOf(pod, volume);
    if (claim === undefined || sources.has(volume.name)) continue;
    if (!volume.ephemeral && !node.objects.find("PersistentVolumeClaim", pod.metadata.namespace, claim))
      throw new PodrunError("NotFound", `volume "${volume.name}": persistentvolumeclaim "${claim}" not found`);
    const path = volumeFolder(node.config.root, claim);
    sources.set(volume.name, { source: { kind: "host", path }, readOnly: false, relabel: true, folderMode: 0o777 });
  }
  return sources;
}

async function planPod(node: Node, pod: Pod, reasons: Reasons, several: boolean): Promise<PlannedOperation[]> {
  const sandbox = sandboxConfig(node, pod, 0, reasons);
  const context = {
    pod,
    sandbox: {
      id: pod.metadata.uid,
      metadata: sandbox.metadata,
      state: "creating" as const,
      createdAt: "",
      addresses: sandbox.network === "pod" ? [UNKNOWN_ADDRESS] : [],
      pausePid: 0,
    },
  };
  const sources = plannedSources(node, pod);
  const configOf = async (spec: Container): Promise<ContainerConfig> => {
    const image = await findImage(node, spec.image);
    const held = await Promise.all(
      volumeImages(spec, pod).map(async ([name, own]) => [name, { image: await findImage(node, own.image) }] as const),
    );
    const volumes = withImages(sources, new Map(held));
    return buildContainerConfig(pod, spec, 0, {
      ...containerContext(node, image, { ...context, volumes }),
      files: ({ key, path }) => `<${key} of ${path}>`,
      reasons,
    });
  };
  const containers = await Promise.all(placedContainers(pod.spec).map(({ container }) => configOf(container)));
  return node.runtime.plan(sandbox, containers, buildVolumes(node, pod)).map((operation, index) => ({
    index,
    part: several ? `${pod.metadata.name}/${operation.part ?? "sandbox"}` : (operation.part ?? "sandbox"),
    actor: operation.actor,
    op: operation.op,
    text: describe(operation),
    why: operation.why,
  }));
}
