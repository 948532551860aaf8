import { placedContainers } from "./containers.ts";
import type { Pod, QosClass, ResourceRequirements } from "./pod.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";
import { hasOwnResources } from "./resources.ts";

/**
 * The pod's quality of service class, as Kubernetes computes it: Guaranteed when every container (init containers too) limits cpu and memory and
 * asks for exactly its limits, BestEffort when none asks for or limits anything, else Burstable. Zero counts as absent. What a
 * pod says of itself as a whole counts instead of its containers' (KEP-2837).
 */
export function qosClass(pod: Pod): QosClass {
  let any = false;
  let guaranteed = true;
  for (const resources of countedResources(pod)) {
    for (const name of ["cpu", "memory"] as const) {
      const limit = given(resources.limits?.[name]);
      const request = given(resources.requests?.[name]);
      if (limit !== undefined || request !== undefined) any = true;
      // A request that is absent was defaulted to the limit: one that counts for nothing was asked for.
      if (limit === undefined || request === undefined || compareQuantities(limit, request) !== 0) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

function countedResources(pod: Pod): readonly Pick<ResourceRequirements, "requests" | "limits">[] {
  if (pod.spec.resources !== undefined && hasOwnResources(pod)) return [pod.spec.resources];
  return placedContainers(pod.spec).flatMap(({ container, role }) =>
    role === "ephemeral" ? [] : [container.resources],
  );
}

const given = (quantity: string | undefined): string | undefined =>
  quantity === undefined || parseQuantity(quantity).nano === 0n ? undefined : quantity;
