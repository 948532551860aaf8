// Rules between the fields of one container.

import { elementPath } from "./path.ts";
import type { Container, Pod, SecurityContext } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { quote } from "./schema/format.ts";
import { validateEnvironment } from "./validate-environment.ts";
import { validateLifecycle, validateProbes } from "./validate-probes.ts";
import { validateResizePolicy } from "./validate-resize.ts";
import { validateResources } from "./validate-resources.ts";
import { validateRestart } from "./validate-restart.ts";
import { validateIdentity, validateProfile } from "./validate-security.ts";
import { validateMounts } from "./validate-volumes.ts";

export interface ContainerContext {
  readonly pod: Pod;
}

/** Broken rules of one container; `path` is the container's own. */
export function validateContainer(container: Container, path: string, context: ContainerContext): Problem[] {
  return [
    ...validatePorts(container, path),
    ...validateEnvironment(container, path, context.pod),
    ...validateMounts(container, path, context.pod),
    ...validateResources(container.resources, `${path}.resources`),
    ...validateSecurity(container.securityContext ?? {}, `${path}.securityContext`),
    ...validateIdentity(container, context.pod, path),
    ...validateRestart(container, path),
    ...validateResizePolicy(container, path, context.pod),
    ...validateProbes(container, path, context.pod),
    ...validateLifecycle(container, path, context.pod),
  ];
}

function validatePorts(container: Container, path: string): Problem[] {
  const problems: Problem[] = [];
  const names = new Map<string, string>();
  container.ports?.forEach((port, index) => {
    const at = elementPath(`${path}.ports`, index);
    // One port may have several names, and be several of the host's.
    if (port.name === undefined) return;
    const namesake = names.get(port.name);
    if (namesake !== undefined)
      problems.push(invalid(`${at}.name`, `${quote(port.name)} is used twice: ${namesake} has it too`));
    names.set(port.name, namesake ?? at);
  });
  return problems;
}

function validateSecurity(security: SecurityContext, path: string): Problem[] {
  const problems = [
    ...validateProfile(security.seccompProfile, `${path}.seccompProfile`),
    ...validateProfile(security.appArmorProfile, `${path}.appArmorProfile`),
  ];
  if (security.allowPrivilegeEscalation === false && security.privileged === true) {
    problems.push(
      invalid(`${path}.allowPrivilegeEscalation`, "can't be false in a privileged container; remove one of the two"),
    );
  }
  return problems;
}
