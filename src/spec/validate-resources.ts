// Rules of requests and limits (pkg/apis/core/validation, ValidateContainerResourceRequirements, validatePodResources).

import { placedContainers } from "./containers.ts";
import { fieldPath } from "./path.ts";
import type { PodSpec, ResourceRequirements } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";
import {
  amountOf,
  containersTotal,
  formatAmount,
  HUGEPAGE_BYTES,
  isHugepages,
  type Quantities,
  type ResourceName,
} from "./resources.ts";
import { quote } from "./schema/format.ts";

type Lists = Pick<ResourceRequirements, "limits" | "requests">;

/** Broken rules of one container's requests and limits, or of a pod's as a whole. */
export function validateResources({ limits = {}, requests = {} }: Lists, path: string): Problem[] {
  return [
    ...validateQuantities(limits, `${path}.limits`),
    // A request that was taken from the limit is no second mistake.
    ...validateQuantities(without(requests, limits), `${path}.requests`),
    ...validateRequests(requests, limits, path),
    ...validateHugepages(requests, limits, path),
  ];
}

const without = (list: Quantities, other: Quantities): Quantities =>
  Object.fromEntries(entriesOf(list).filter(([name, quantity]) => other[name] !== quantity));

const entriesOf = (list: Quantities) => Object.entries(list) as [ResourceName, string][];

function validateQuantities(list: Quantities, path: string): Problem[] {
  return entriesOf(list).flatMap(([name, quantity]) => {
    const at = fieldPath(path, name);
    // 64m is a slip of the pen for 64M: it asks for a fifteenth of a byte, which Kubernetes takes silently. 0.1Gi is none.
    const { nano } = parseQuantity(quantity);
    if (name !== "cpu" && nano % 1_000_000_000n !== 0n && nano < 1_024_000_000_000n) {
      const [large, binary] = ["M", "Mi"].map((unit) => quote(quantity.replace(/m$/, unit)));
      const hint = /m$/.test(quantity) ? `; m is a thousandth: did you mean ${large} or ${binary}?` : "";
      return [invalid(at, `${quote(quantity)} is not a whole number of bytes${hint}`)];
    }
    if (isHugepages(name) && (amountOf(name, quantity) === 0 || amountOf(name, quantity) % HUGEPAGE_BYTES[name] !== 0))
      return [invalid(at, `${quote(quantity)} is not a positive multiple of ${name.slice("hugepages-".length)}`)];
    return [];
  });
}

function validateRequests(requests: Quantities, limits: Quantities, path: string): Problem[] {
  return entriesOf(requests).flatMap(([name, request]) => {
    const limit = limits[name];
    if (isHugepages(name) || limit === undefined || compareQuantities(request, limit) <= 0) return [];
    return [invalid(fieldPath(`${path}.requests`, name), `${quote(request)} is more than the limit ${quote(limit)}`)];
  });
}

/** Pages can't be lent: what is asked for is the limit. */
function validateHugepages(requests: Quantities, limits: Quantities, path: string): Problem[] {
  const pages = entriesOf({ ...limits, ...requests }).filter(([name]) => isHugepages(name));
  const problems = pages.flatMap(([name]) => {
    const [request, limit] = [requests[name], limits[name]];
    if (limit === undefined) return [invalid(fieldPath(`${path}.limits`, name), "must be set: pages can't be lent")];
    if (request !== undefined && compareQuantities(request, limit) === 0) return [];
    return [invalid(fieldPath(`${path}.requests`, name), `must be equal to the limit ${quote(limit)}`)];
  });
  const all = { ...limits, ...requests };
  if (pages.length > 0 && all.cpu === undefined && all.memory === undefined)
    problems.push(invalid(path, "huge pages need a request or a limit of cpu or memory beside them"));
  return problems;
}

/** What a pod says of itself as a whole holds what its containers say. */
export function validatePodResources(spec: PodSpec): Problem[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  const path = "spec.resources";
  return [
    ...validateResources(resources, path),
    ...validateSum(spec, "requests", path),
    ...validateSum(spec, "limits", path),
    ...validateEachLimit(spec, resources.limits ?? {}),
  ];
}

/** Limits may be lent, but for pages: only of those the sum counts. */
function validateSum(spec: PodSpec, kind: "requests" | "limits", path: string): Problem[] {
  const total = containersTotal(spec, kind);
  return entriesOf(spec.resources?.[kind] ?? {}).flatMap(([name, quantity]) => {
    const sum = total[name] ?? 0;
    if ((kind === "limits" && !isHugepages(name)) || amountOf(name, quantity) >= sum) return [];
    const text = `${quote(quantity)} is less than the ${kind} of its containers together, ${formatAmount(name, sum)}`;
    return [invalid(fieldPath(`${path}.${kind}`, name), text)];
  });
}

function validateEachLimit(spec: PodSpec, limits: Quantities): Problem[] {
  return placedContainers(spec).flatMap(({ container, path }) =>
    entriesOf(container.resources.limits ?? {}).flatMap(([name, limit]) => {
      const whole = limits[name];
      if (whole === undefined || compareQuantities(limit, whole) <= 0) return [];
      const text = `${quote(limit)} is more than the pod's limit ${quote(whole)} (spec.resources)`;
      return [invalid(fieldPath(`${path}.resources.limits`, name), text)];
    }),
  );
}
