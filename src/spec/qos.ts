import { placedContainers } from "./containers.ts";
import type { Pod, QosClass } from "./pod.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";

/**
 * The pod's quality of service class, as Kubernetes computes it: Guaranteed when every container (init containers too) limits cpu and memory and
 * asks for exactly its limits, BestEffort when none asks for or limits anything, else Burstable. Zero counts as absent.
 */
export function qosClass(pod: Pod): QosClass {
  let any = false;
  let guaranteed = true;
  for (const { container, role } of placedContainers(pod.spec)) {
    if (role === "ephemeral") continue;
    const { resources } = container;
    for (const name of ["cpu", "memory"] as const) {
      const limit = given(resources.limits?.[name]);
      const request = given(resources.requests?.[name]);
      if (limit !== undefined || request !== undefined) any = true;
      // A request that is absent was defaulted to the limit.
      if (limit === undefined || (request !== undefined && compareQuantities(limit, request) !== 0)) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

const given = (quantity: string | undefined): string | undefined =>
  quantity === undefined || parseQuantity(quantity).nano === 0n ? undefined : quantity;
