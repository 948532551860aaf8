// Rules between the fields of one container.

import { elementPath, fieldPath } from "./path.ts";
import type { Container, Pod, ResourceRequirements, SecurityContext } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";
import { quote } from "./schema/format.ts";
import { validateEnvironment } from "./validate-environment.ts";
import { validateLifecycle, validateProbes } from "./validate-probes.ts";
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
    ...validateProbes(container, path, context.pod),
    ...validateLifecycle(container, path, context.pod),
  ];
}

function validatePorts(container: Container, path: string): Problem[] {
  const problems: Problem[] = [];
  const numbers = new Map<string, string>();
  const names = new Map<string, string>();
  container.ports?.forEach((port, index) => {
    const at = elementPath(`${path}.ports`, index);
    const number = `${port.containerPort}/${port.protocol}`;
    // One port of the container may be several of the host's.
    const key = [number, port.hostPort, port.hostIP].join();
    const other = numbers.get(key);
    if (other !== undefined)
      problems.push(invalid(`${at}.containerPort`, `${number} is used twice: ${other} has it too`));
    numbers.set(key, other ?? at);
    if (port.name === undefined) return;
    const namesake = names.get(port.name);
    if (namesake !== undefined)
      problems.push(invalid(`${at}.name`, `${quote(port.name)} is used twice: ${namesake} has it too`));
    names.set(port.name, namesake ?? at);
  });
  return problems;
}

function validateResources({ limits, requests }: ResourceRequirements, path: string): Problem[] {
  const problems: Problem[] = [];
  for (const [list, quantities] of Object.entries({ limits, requests })) {
    const memory = quantities?.memory;
    // 64m is a slip of the pen for 64M: it asks for a fifteenth of a byte, which Kubernetes takes silently.
    if (memory === undefined || parseQuantity(memory).nano % 1_000_000_000n === 0n) continue;
    const hint = /m$/.test(memory)
      ? `; m is a thousandth: did you mean ${quote(memory.replace(/m$/, "M"))} or ${quote(memory.replace(/m$/, "Mi"))}?`
      : "";
    problems.push(
      invalid(fieldPath(`${path}.${list}`, "memory"), `${quote(memory)} is not a whole number of bytes${hint}`),
    );
  }
  for (const name of ["cpu", "memory"] as const) {
    const request = requests?.[name];
    const limit = limits?.[name];
    if (request === undefined || limit === undefined || compareQuantities(request, limit) <= 0) continue;
    problems.push(invalid(`${path}.requests.${name}`, `${quote(request)} is more than the limit ${quote(limit)}`));
  }
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
