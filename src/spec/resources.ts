// What containers and pods ask for and are limited to, in numbers, and their sums (component-helpers resource, KEP-753, KEP-2837).

import { placedContainers } from "./containers.ts";
import type { Pod, PodSpec } from "./pod.ts";
import { bytes, cpuMillis } from "./quantity.ts";

/** The resources of a node that a pod can ask for. */
export const RESOURCE_NAMES = ["cpu", "memory", "ephemeral-storage", "hugepages-1Gi", "hugepages-2Mi"] as const;
export type ResourceName = (typeof RESOURCE_NAMES)[number];

/** Those that a pod as a whole can be given (PodSpec.resources). */
export const POD_RESOURCE_NAMES = ["cpu", "memory", "hugepages-1Gi", "hugepages-2Mi"] as const;

/** Bytes of one page. */
export const HUGEPAGE_BYTES = { "hugepages-1Gi": 2 ** 30, "hugepages-2Mi": 2 ** 21 } as const;
export type HugepageName = keyof typeof HUGEPAGE_BYTES;

export const isHugepages = (name: string): name is HugepageName => Object.hasOwn(HUGEPAGE_BYTES, name);

/** The resource whose pages a medium is made of (EmptyDirVolumeSource.medium); "HugePages": the only one that a pod asks for. */
export function hugepagesOfMedium(
  medium: string | undefined,
  asked: readonly HugepageName[],
): HugepageName | undefined {
  if (medium === "HugePages") return asked.length === 1 ? asked[0] : undefined;
  return asked.find((name) => medium === `HugePages-${name.slice("hugepages-".length)}`);
}

/** Huge pages that any container asks for, or the pod as a whole. */
export const hugepagesAsked = (spec: PodSpec): readonly HugepageName[] =>
  (Object.keys(HUGEPAGE_BYTES) as HugepageName[]).filter((name) => (podRequests({ spec })[name] ?? 0) > 0);

export type Kind = "requests" | "limits";
export type Quantities = Readonly<Partial<Record<ResourceName, string>>>;
/** Thousandths of a CPU; bytes of all others. */
export type Amounts = Readonly<Partial<Record<ResourceName, number>>>;

export const amountOf = (name: ResourceName, quantity: string): number =>
  name === "cpu" ? cpuMillis(quantity) : bytes(quantity);

export function amountsOf(quantities: Quantities | undefined): Amounts {
  const amounts: Partial<Record<ResourceName, number>> = {};
  for (const [name, quantity] of Object.entries(quantities ?? {}) as [ResourceName, string][])
    amounts[name] = amountOf(name, quantity);
  return amounts;
}

/**
 * What the pod's containers have at once: its own and its sidecars together, or more when an init container, with the
 * sidecars before it, has more (KEP-753). Ephemeral containers have none. A resource that none of them names is absent.
 */
export function containersTotal(spec: PodSpec, kind: Kind): Amounts {
  const staying: Partial<Record<ResourceName, number>> = {};
  const most: Partial<Record<ResourceName, number>> = {};
  for (const { container, role } of placedContainers(spec)) {
    if (role === "ephemeral") continue;
    for (const [name, amount] of Object.entries(amountsOf(container.resources[kind])) as [ResourceName, number][]) {
      const together = (staying[name] ?? 0) + amount;
      if (role !== "init") staying[name] = together;
      most[name] = Math.max(most[name] ?? 0, together);
    }
  }
  return most;
}

/** What the pod as a whole asks for, which a scheduler counts: its own word, else its containers'. */
export const podRequests = (pod: Pick<Pod, "spec">): Amounts => ({
  ...containersTotal(pod.spec, "requests"),
  ...amountsOf(pod.spec.resources?.requests),
});

/** What the pod as a whole is limited to; containers without a limit count as none. */
export const podLimits = (pod: Pick<Pod, "spec">): Amounts => ({
  ...containersTotal(pod.spec, "limits"),
  ...amountsOf(pod.spec.resources?.limits),
});

/** Whether the pod as a whole says what it needs: then that counts (IsPodLevelResourcesSet). */
export const hasOwnResources = ({ spec }: Pick<Pod, "spec">): boolean =>
  Object.keys({ ...spec.resources?.requests, ...spec.resources?.limits }).length > 0;

const BINARY = ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"];

/** The shortest quantity: 1500m, 2, 64Mi, 1000. */
export function formatAmount(name: ResourceName | "pods", amount: number): string {
  if (name === "cpu") return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (name === "pods" || amount === 0) return String(amount);
  const index = BINARY.findIndex((_, i) => amount % 1024 ** (BINARY.length - i) === 0);
  return index === -1 ? String(amount) : `${amount / 1024 ** (BINARY.length - index)}${BINARY[index]}`;
}
