// Rules on a pod's resize (KEP-1287; pkg/apis/core/validation, ValidatePodResize): what may change of a pod that exists
// through its subresource `resize`, and what a container says of how it is resized.

import { isDeepStrictEqual } from "node:util";
import { type PlacedContainer, placedContainers } from "./containers.ts";
import { elementPath, fieldPath } from "./path.ts";
import type { Container, Pod, ResourceRequirements } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { qosClass } from "./qos.ts";
import { compareQuantities } from "./quantity.ts";
import { collectChanges } from "./validate-update.ts";

/** What a resize may change. */
export const RESIZABLE = ["cpu", "memory"] as const;

/** A container's own policies (Container.resizePolicy, validateResizePolicy). */
export function validateResizePolicy(container: Container, path: string, { spec }: Pod): Problem[] {
  const { resizePolicy = [] } = container;
  const at = `${path}.resizePolicy`;
  if (resizePolicy.length === 0) return [];
  const role = placedContainers(spec).find((one) => one.path === path)?.role;
  if (role === "init") return [invalid(at, "must not be set for init containers, which end by themselves; remove it")];
  const problems: Problem[] = [];
  resizePolicy.forEach(({ resourceName, restartPolicy }, index) => {
    const here = elementPath(at, index);
    if (resizePolicy.findIndex((one) => one.resourceName === resourceName) !== index)
      problems.push(invalid(`${here}.resourceName`, `${resourceName} is there twice`));
    if ((container.restartPolicy ?? spec.restartPolicy) === "Never" && restartPolicy === "RestartContainer")
      problems.push(invalid(`${here}.restartPolicy`, "must be NotRequired when restartPolicy is Never"));
  });
  return problems;
}

/** How a container takes a change of one of its resources (Container.resizePolicy); NotRequired unless it says otherwise. */
export const needsRestart = ({ resizePolicy = [] }: Container, resource: (typeof RESIZABLE)[number]): boolean =>
  resizePolicy.some(({ resourceName, restartPolicy }) => resourceName === resource && restartPolicy !== "NotRequired");

/**
 * Broken rules of a resize from one decoded and defaulted pod to another; an empty list when it is allowed. What the API
 * server would pass over (a change outside of the resources) is refused, too.
 */
export function validatePodResize(from: Pod, to: Pod): Problem[] {
  const order = validateOrder(from, to);
  if (order.length > 0) return order;
  const problems: Problem[] = [];
  const before = placedContainers(from.spec);
  placedContainers(to.spec).forEach((placed, index) => {
    const old = before[index] as PlacedContainer;
    problems.push(...validateContainer(old, placed));
  });
  const others: string[] = [];
  collectChanges(withoutResizable(from.spec), withoutResizable(to.spec), "spec", others);
  problems.push(...others.map((path) => invalid(path, "only cpu and memory resources are mutable")));
  if (problems.length === 0 && qosClass(from) !== qosClass(to))
    problems.push(
      invalid(
        "spec",
        `Pod QOS Class may not change as a result of resizing: it is ${qosClass(from)}, and would be ${qosClass(to)}`,
      ),
    );
  return problems;
}

function validateOrder(from: Pod, to: Pod): Problem[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) => {
    const names = (from.spec[list] ?? []).map(({ name }) => name);
    const wanted = (to.spec[list] ?? []).map(({ name }) => name);
    if (isDeepStrictEqual(names, wanted)) return [];
    const text = names.length === wanted.length ? "renamed or reordered" : "added or removed";
    return [invalid(`spec.${list}`, `containers may not be ${text} on resize: they are ${names.join(", ")}`)];
  });
}

function validateContainer({ container: old, role }: PlacedContainer, { container, path }: PlacedContainer): Problem[] {
  const at = `${path}.resources`;
  if (role === "ephemeral") return [];
  if (role === "init")
    return isSameAmount(old.resources, container.resources)
      ? []
      : [invalid(at, "resources for non-sidecar init containers are immutable")];
  return (["requests", "limits"] as const).flatMap((list) =>
    RESIZABLE.filter(
      (name) => old.resources[list]?.[name] !== undefined && container.resources[list]?.[name] === undefined,
    ).map((name) => invalid(fieldPath(`${at}.${list}`, name), `resource ${list} cannot be removed`)),
  );
}

const isSameAmount = (a: ResourceRequirements, b: ResourceRequirements): boolean =>
  (["requests", "limits"] as const).every((list) =>
    RESIZABLE.every((name) => {
      const [one, other] = [a[list]?.[name], b[list]?.[name]];
      if (one === undefined || other === undefined) return one === other;
      return compareQuantities(one, other) === 0;
    }),
  );

/** All that a resize leaves alone. */
function withoutResizable(spec: Pod["spec"]): unknown {
  const strip = (containers: readonly Container[] | undefined): unknown =>
    containers?.map((container) => ({ ...container, resources: othersOf(container.resources) }));
  return { ...spec, containers: strip(spec.containers), initContainers: strip(spec.initContainers) };
}

/** A list that is empty and one that is not there are the same. */
function othersOf(resources: ResourceRequirements): unknown {
  const lists = Object.entries(resources).map(([list, value]) => {
    const others = Object.entries(value ?? {}).filter(([name]) => !RESIZABLE.some((one) => one === name));
    return [list, Object.fromEntries(others)] as const;
  });
  return Object.fromEntries(lists.filter(([, value]) => Object.keys(value).length > 0));
}
