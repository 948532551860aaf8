// What the machine has, and what of it pods may ask for (Kubernetes, "Reserve Compute Resources for System Daemons").
import { statfsSync } from "node:fs";
import { hugepageCount } from "../linux/hugepages.ts";
import type { NodeResources } from "../pod/index.ts";
import { amountOf, HUGEPAGE_BYTES, type ResourceName } from "../spec/index.ts";

/** A kubelet's default is 110 and podrun's measured ground a thousand (docs/decisions.md). */
const MAX_PODS = 1100;

/** Of these a kubelet takes reservations (--system-reserved). */
const RESERVABLE: readonly string[] = ["cpu", "memory", "ephemeral-storage"];

export interface MachineSize {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the file system that pods' own files lie on. */
  readonly diskBytes: number;
  /** Bytes that the kernel has set aside as huge pages, by their size. */
  readonly hugepages: Readonly<Record<keyof typeof HUGEPAGE_BYTES, number>>;
}

/** `root`: the state folder. */
export function readMachineSize(cpus: number, memoryBytes: number, root: string): MachineSize {
  const { blocks, bsize } = statfsSync(root);
  const pages = (name: keyof typeof HUGEPAGE_BYTES): number =>
    hugepageCount(HUGEPAGE_BYTES[name] / 1024) * HUGEPAGE_BYTES[name];
  const hugepages = { "hugepages-1Gi": pages("hugepages-1Gi"), "hugepages-2Mi": pages("hugepages-2Mi") };
  return { cpus, memoryBytes, diskBytes: blocks * bsize, hugepages };
}

/**
 * Capacity, and what is left of it for pods: without PODRUN_SYSTEM_RESERVED (`cpu=500m,memory=1Gi,ephemeral-storage=5Gi`),
 * and of the memory without what is set aside as huge pages. PODRUN_MAX_PODS is how many pods there may be. Throws TypeError.
 */
export function readNodeResources(
  { cpus, memoryBytes, diskBytes, hugepages }: MachineSize,
  env: NodeJS.ProcessEnv = process.env,
): { readonly capacity: NodeResources; readonly allocatable: NodeResources } {
  const pods = readMaxPods(env);
  const reserved = readReserved(env["PODRUN_SYSTEM_RESERVED"]);
  const capacity = { cpu: cpus * 1000, memory: memoryBytes, "ephemeral-storage": diskBytes, ...hugepages, pods };
  const left = (name: ResourceName, taken = 0): number =>
    Math.max(0, capacity[name] - (reserved.get(name) ?? 0) - taken);
  const allocatable = {
    ...capacity,
    cpu: left("cpu"),
    memory: left("memory", hugepages["hugepages-1Gi"] + hugepages["hugepages-2Mi"]),
    "ephemeral-storage": left("ephemeral-storage"),
  };
  return { capacity, allocatable };
}

function readMaxPods({ PODRUN_MAX_PODS: text }: NodeJS.ProcessEnv): number {
  if (text === undefined) return MAX_PODS;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`PODRUN_MAX_PODS is "${text}": want a whole number above 0`);
  return Number(text);
}

function readReserved(text = ""): ReadonlyMap<string, number> {
  const pairs = text
    .split(",")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "");
  return new Map(
    pairs.map((pair) => {
      const [name = "", quantity = "", ...more] = pair.split("=");
      const wrong = (problem: string) =>
        new TypeError(`PODRUN_SYSTEM_RESERVED has ${JSON.stringify(pair)}: ${problem}`);
      if (!RESERVABLE.includes(name) || more.length > 0)
        throw wrong(`want RESOURCE=QUANTITY with one of ${RESERVABLE.join(", ")}`);
      try {
        const amount = amountOf(name as ResourceName, quantity);
        if (amount >= 0) return [name, amount] as const;
      } catch (error) {
        throw wrong(error instanceof Error ? error.message : String(error));
      }
      throw wrong("it is less than nothing");
    }),
  );
}
