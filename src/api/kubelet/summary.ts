// `/stats/summary`, in the shape of the kubelet's Summary API (k8s.io/kubelet/pkg/apis/stats/v1alpha1).
import { join } from "node:path";
import type { DiskMeter, DiskUsage } from "../../linux/disk-meter.ts";
import { readLinkCounters, readMachineUsage } from "../../linux/machine-usage.ts";
import { logDirectory } from "../../pod/index.ts";
import type { CgroupUsage, LinkUsage, SandboxStats } from "../../sandbox/types.ts";
import { fileSystemOf } from "./file-system.ts";
import type { KubeletOptions } from "./types.ts";

export async function summary({ facts, config, sampler, meter }: KubeletOptions): Promise<object> {
  const { stats, nanoCores } = await sampler.sample();
  const now = Date.now();
  const time = new Date(now).toISOString();
  const disk = await fileSystemOf(config.root, time);
  const logs = await fileSystemOf(config.logs, time).catch(() => disk);
  const { bootedAt, ...used } = readMachineUsage();
  const cpuNanos = Number(used.cpuNanoSeconds);
  const links = readLinkCounters(config.linkPrefix);
  const pods = [];
  for (const sandbox of stats)
    pods.push(await podSummary(sandbox, { nanoCores, disk, logs, logFolder: config.logs, meter }));
  return {
    node: {
      nodeName: facts.name,
      startTime: new Date(bootedAt).toISOString(),
      cpu: { time, usageNanoCores: nodeCores(now, cpuNanos), usageCoreNanoSeconds: cpuNanos },
      memory: {
        time,
        availableBytes: used.memoryTotalBytes - used.memoryUsedBytes,
        usageBytes: used.memoryUsedBytes,
        workingSetBytes: used.memoryUsedBytes,
        rssBytes: used.memoryAnonymousBytes,
      },
      ...(links[0] && { network: { time, ...links[0], interfaces: links } }),
      fs: disk,
      runtime: { imageFs: disk, containerFs: disk },
    },
    pods,
  };
}

let lastNode: { readonly at: number; readonly nanos: number } | undefined;

/** Since it was last asked; the first time 0, as a counter that has just begun. */
function nodeCores(at: number, nanos: number): number {
  const before = lastNode;
  lastNode = { at, nanos };
  return before === undefined || at <= before.at ? 0 : Math.round(((nanos - before.nanos) / (at - before.at)) * 1000);
}

interface PodContext {
  readonly nanoCores: ReadonlyMap<string, number>;
  readonly disk: object;
  readonly logs: object;
  readonly logFolder: string;
  readonly meter: Pick<DiskMeter, "measure">;
}

async function podSummary({ id, metadata, createdAt, usage, link, containers }: SandboxStats, context: PodContext) {
  const { namespace, name, uid } = metadata;
  const folder = logDirectory(context.logFolder, { metadata });
  const summaries = [];
  for (const container of containers)
    summaries.push({
      name: container.name,
      startTime: container.startedAt ?? createdAt,
      ...usageOf(container.usage, context.nanoCores.get(container.id)),
      rootfs: { ...context.disk, ...known(await context.meter.measure(join(container.folder, "upper"))) },
      logs: { ...context.logs, ...known(await context.meter.measure(join(folder, container.name))) },
    });
  return {
    podRef: { name, namespace, uid },
    startTime: createdAt,
    containers: summaries,
    ...usageOf(usage, context.nanoCores.get(id)),
    ...(link && { network: networkOf(link, new Date(usage.at).toISOString()) }),
    ...(usage.pids !== undefined && { process_stats: { process_count: usage.pids } }),
  };
}

/** What is not known is left out, not shown as the whole file system's. */
const known = (usage: DiskUsage | undefined) => ({ usedBytes: usage?.usedBytes, inodesUsed: usage?.inodesUsed });

/** eth0 is what every pod's link is called inside. */
const networkOf = (link: LinkUsage, time: string) => ({
  time,
  name: "eth0",
  ...link,
  interfaces: [{ name: "eth0", ...link }],
});

function usageOf({ at, cpuNanos, memory }: CgroupUsage, nanoCores: number | undefined) {
  const time = new Date(at).toISOString();
  return {
    ...(cpuNanos !== undefined && {
      cpu: {
        time,
        ...(nanoCores !== undefined && { usageNanoCores: nanoCores }),
        usageCoreNanoSeconds: Number(cpuNanos),
      },
    }),
    ...(memory && {
      memory: {
        time,
        ...(memory.limit !== undefined && { availableBytes: Math.max(0, memory.limit - memory.workingSet) }),
        usageBytes: memory.usage,
        workingSetBytes: memory.workingSet,
        rssBytes: memory.rss,
        pageFaults: memory.pageFaults,
        majorPageFaults: memory.majorPageFaults,
      },
    }),
  };
}
