// The containers of a pod by what they are: init containers, sidecars among them, and the pod's own.

import { elementPath } from "./path.ts";
import type { Container, PodSpec } from "./pod.ts";

/** Whether an init container is a sidecar: it stays beside the pod's own containers (KEP-753). */
export const isSidecar = ({ restartPolicy }: Pick<Container, "restartPolicy">): boolean => restartPolicy === "Always";

export interface PlacedContainer {
  readonly container: Container;
  /** `spec.initContainers[0]`. */
  readonly path: string;
  readonly role: "init" | "sidecar" | "main";
}

type Containers = Pick<PodSpec, "containers" | "initContainers">;

/** Every container of a pod, in the order in which they start, with its place in the object. */
export function placedContainers({ initContainers = [], containers }: Containers): PlacedContainer[] {
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
  ];
}

/** Undefined: the pod has no container of this name. */
export const findPlaced = (spec: Containers, name: string): PlacedContainer | undefined =>
  placedContainers(spec).find(({ container }) => container.name === name);
