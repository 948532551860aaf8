import type { Container, Pod } from "./pod.ts";
import type { Problem } from "./problem.ts";

export interface ContainerContext {
  readonly pod: Pod;
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
}

/** Broken rules of one container; `path` is the container's own. */
export function validateContainer(_container: Container, _path: string, _context: ContainerContext): Problem[] {
  return [];
}
