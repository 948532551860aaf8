// Rules on a container's own restart policy (Kubernetes 1.34, ContainerRestartRules).

import { elementPath } from "./path.ts";
import type { Container } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

/** The API server's limits (validateContainerRestartPolicy). */
const MOST_RULES = 20;
const MOST_EXIT_CODES = 255;

export function validateRestart({ restartPolicy, restartPolicyRules: rules = [] }: Container, path: string): Problem[] {
  const at = `${path}.restartPolicyRules`;
  if (rules.length === 0) return [];
  if (restartPolicy === undefined)
    return [invalid(`${path}.restartPolicy`, "required with restartPolicyRules, but missing")];
  if (rules.length > MOST_RULES) return [invalid(at, `${rules.length} rules; ${MOST_RULES} are the most`)];
  return rules.flatMap(({ exitCodes }, index) => {
    const rule = `${elementPath(at, index)}.exitCodes`;
    if (exitCodes === undefined) return [invalid(rule, "required, but missing")];
    const { values = [] } = exitCodes;
    if (values.length <= MOST_EXIT_CODES) return [];
    return [invalid(`${rule}.values`, `${values.length} exit codes; ${MOST_EXIT_CODES} are the most`)];
  });
}
