import { join } from "node:path";
import type { CgroupLayout } from "./layout.ts";
import { controllerFolder } from "./paths.ts";

/** Limits of a pod or a container. What is not given is left as the kernel made it. */
export interface Resources {
  /** resources.requests.cpu in thousandths of a CPU; becomes shares or a weight. */
  readonly cpuRequestMillis?: number | undefined;
  /** Shares given directly (CRI); wins over cpuRequestMillis. 2–262144. */
  readonly cpuShares?: number | undefined;
  /** resources.limits.cpu in thousandths of a CPU; becomes a CFS quota a 100 ms period. */
  readonly cpuLimitMillis?: number | undefined;
  /** Quota and period in microseconds given directly (CRI); win over cpuLimitMillis. A quota of -1 means none. */
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  /** Bytes; -1 means none. */
  readonly memoryLimit?: number | undefined;
  /** Bytes of memory and swap together; the memory limit (so no swap) unless given. */
  readonly memorySwapLimit?: number | undefined;
  /** Kill all of the cgroup when one process of it is OOM-killed (v2 only), as the kubelet sets it for containers. */
  readonly oomGroup?: boolean | undefined;
  /** By page size: `2Mi`, `1Gi`. */
  readonly hugepageLimitBytes?: Readonly<Record<string, number>> | undefined;
  readonly pidsLimit?: number | undefined;
  /** Lists such as `0-3,7` (CRI). */
  readonly cpusetCpus?: string | undefined;
  readonly cpusetMems?: string | undefined;
}

/** One value to write into one file of a cgroup. */
export interface CgroupWrite {
  /** Absolute. */
  readonly path: string;
  readonly value: string;
  /** Not every kernel has the file: its absence is fine (swap accounting, cgroup v2 swap). */
  readonly optional: boolean;
}

interface Setting {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  readonly optional?: boolean;
}

const PERIOD = 100_000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

/** Shares for a request, as the kubelet counts them: 1024 a CPU, never below 2 (no request at all). */
export function sharesOfMillis(millis: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((millis * 1024) / 1000)));
}

/** cpu.shares (2–262144) to cpu.weight (1–10000), the linear rule of Kubernetes KEP-2254. */
export function weightOfShares(shares: number): number {
  const bounded = Math.min(MAX_SHARES, Math.max(MIN_SHARES, shares));
  return 1 + Math.floor(((bounded - MIN_SHARES) * 9999) / (MAX_SHARES - MIN_SHARES));
}

/** CFS quota for a limit, microseconds a period; never below 1 ms, the least that the kernel takes. */
export const quotaOfMillis = (millis: number): number => Math.max(1000, Math.floor((millis * PERIOD) / 1000));

/** What to write, and where, so that the cgroup has these resources. The order is the order to write in. */
export function cgroupWrites(layout: CgroupLayout, cgroup: string, resources: Resources): CgroupWrite[] {
  const settings = layout.mode === "v2" ? v2Settings(resources) : v1Settings(resources);
  return settings.flatMap(({ controller, file, value, optional = false }) => {
    const folder = controllerFolder(layout, cgroup, controller);
    return folder === undefined ? [] : [{ path: join(folder, file), value, optional }];
  });
}

/**
 * What to write into a cgroup that is in use, whatever it has: every limit of cpu and memory, also that there is none. Writing
 * the same once more changes nothing.
 */
export function resizeWrites(layout: CgroupLayout, cgroup: string, resources: Resources): CgroupWrite[] {
  const { pidsLimit: _, hugepageLimitBytes: __, memoryLimit = -1, cpuLimitMillis, ...others } = resources;
  const cpu = cpuLimitMillis === undefined ? { cpuQuota: -1 } : { cpuLimitMillis };
  const writes = cgroupWrites(layout, cgroup, { ...others, ...cpu, memoryLimit });
  // v1: memory and swap together can't be below memory alone. Who raises both must begin with this one, who lowers both must end
  // with it, when it fails at first.
  const both = writes.filter(({ path }) => path.endsWith("memory.memsw.limit_in_bytes"));
  return [...both, ...writes];
}

function cpuOf(resources: Resources): { shares?: number; quota?: number; period: number } {
  const { cpuShares, cpuRequestMillis, cpuQuota, cpuLimitMillis } = resources;
  const shares = cpuShares ?? (cpuRequestMillis === undefined ? undefined : sharesOfMillis(cpuRequestMillis));
  const quota = cpuQuota ?? (cpuLimitMillis === undefined ? undefined : quotaOfMillis(cpuLimitMillis));
  return { ...(shares && { shares }), ...(quota && { quota }), period: resources.cpuPeriod || PERIOD };
}

function v2Settings(resources: Resources): Setting[] {
  const { shares, quota, period } = cpuOf(resources);
  const { memoryLimit, memorySwapLimit, pidsLimit, cpusetCpus, cpusetMems } = resources;
  const settings: Setting[] = [];
  if (shares !== undefined)
    settings.push({ controller: "cpu", file: "cpu.weight", value: `${weightOfShares(shares)}` });
  if (quota !== undefined)
    settings.push({ controller: "cpu", file: "cpu.max", value: `${quota < 0 ? "max" : quota} ${period}` });
  if (memoryLimit !== undefined) {
    settings.push({ controller: "memory", file: "memory.max", value: limitOrMax(memoryLimit) });
    // v2 counts swap apart from memory; v1 and CRI count both together.
    const swap = memoryLimit < 0 ? "max" : `${Math.max(0, (memorySwapLimit ?? memoryLimit) - memoryLimit)}`;
    settings.push({ controller: "memory", file: "memory.swap.max", value: swap, optional: true });
  }
  if (resources.oomGroup) settings.push({ controller: "memory", file: "memory.oom.group", value: "1" });
  if (pidsLimit !== undefined) settings.push({ controller: "pids", file: "pids.max", value: limitOrMax(pidsLimit) });
  settings.push(...hugepageSettings(resources, "max"));
  if (cpusetCpus) settings.push({ controller: "cpuset", file: "cpuset.cpus", value: cpusetCpus });
  if (cpusetMems) settings.push({ controller: "cpuset", file: "cpuset.mems", value: cpusetMems });
  return settings;
}

function v1Settings(resources: Resources): Setting[] {
  const { shares, quota, period } = cpuOf(resources);
  const { memoryLimit, memorySwapLimit, pidsLimit } = resources;
  const settings: Setting[] = [];
  if (shares !== undefined) settings.push({ controller: "cpu", file: "cpu.shares", value: `${shares}` });
  if (quota !== undefined) {
    if (period !== PERIOD) settings.push({ controller: "cpu", file: "cpu.cfs_period_us", value: `${period}` });
    settings.push({ controller: "cpu", file: "cpu.cfs_quota_us", value: `${quota}` });
  }
  if (memoryLimit !== undefined) {
    settings.push({ controller: "memory", file: "memory.limit_in_bytes", value: `${memoryLimit}` });
    // Memory and swap together can't be below memory alone, so this comes second; kernels without swap accounting lack it.
    const both = memorySwapLimit ?? memoryLimit;
    settings.push({ controller: "memory", file: "memory.memsw.limit_in_bytes", value: `${both}`, optional: true });
  }
  if (pidsLimit !== undefined) settings.push({ controller: "pids", file: "pids.max", value: limitOrMax(pidsLimit) });
  settings.push(...hugepageSettings(resources, "limit_in_bytes"));
  return settings;
}

/**
 * The kernel's names of page sizes are like 2MB and 1GB; it has files of the sizes that the processor has. What is reserved is
 * limited as well (since Linux 5.7, as runc does): who asks for too much is told by mmap(2), not killed by a SIGBUS later.
 */
const hugepageSettings = ({ hugepageLimitBytes = {} }: Resources, suffix: string): Setting[] =>
  Object.entries(hugepageLimitBytes).flatMap(([size, bytes]) =>
    [suffix, `rsvd.${suffix}`].map((file) => ({
      controller: "hugetlb",
      file: `hugetlb.${size.replace(/i$/, "B")}.${file}`,
      value: `${bytes}`,
      optional: true,
    })),
  );

const limitOrMax = (limit: number): string => (limit > 0 ? `${limit}` : "max");
