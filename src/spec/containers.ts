// The containers of a pod by what they are: init containers, sidecars among them, and the pod's own.

import { elementPath } from "./path.ts";
import type { Container, PodSpec } from "./pod.ts";

/** Whether an init container is a sidecar: it stays beside the pod's own containers (KEP-753). */
export const isSidecar = ({ restartPolicy }: Pick<Container, "restartPolicy">): boolean => restartPolicy === "Always";

export interface PlacedContainer {
  readonly container: Container;
  /** `spec.initContainers[0]`. */
  readonly path: string;
  readonly role: "init" | "sidecar" | "main" | "ephemeral";
  /** The container whose processes an ephemeral one sees. */
  readonly target?: string;
}

type Containers = Pick<PodSpec, "containers" | "initContainers" | "ephemeralContainers">;

/** Every container of a pod, in the order in which they start, ephemeral ones last, with its place in the object. */
export function placedContainers({
  initContainers = [],
  containers,
  ephemeralContainers = [],
}: Containers): PlacedContainer[] {
  return [
    ...initContainers.map((container, index) => ({
      container,
      path: elementPath("spec.initContainers", index),
      role: isSidecar(container) ? ("sidecar" as const) : ("init" as const),
    })),
    ...containers.map((container, index) => ({
      container,
      path: elementPath("spec.containers", index),
      role: "main" as const,
    })),
    ...ephemeralContainers.map((container, index) => ({
      container,
      path: elementPath("spec.ephemeralContainers", index),
      role: "ephemeral" as const,
      ...(container.targetContainerName !== undefined && { target: container.targetContainerName }),
    })),
  ];
}

/** Undefined: the pod has no container of this name. */
export const findPlaced = (spec: Containers, name: string): PlacedContainer | undefined =>
  placedContainers(spec).find(({ container }) => container.name === name);
