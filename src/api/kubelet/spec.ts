// `/spec`: cAdvisor's MachineInfo, as far as it is known without asking the hardware.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { errnoOf } from "../../base/errors.ts";
import { fileSystemOf } from "./file-system.ts";
import type { KubeletOptions } from "./types.ts";

export async function machineInfo({ facts, config }: KubeletOptions): Promise<object> {
  const info = readText("/proc/cpuinfo") ?? "";
  const sockets = new Set([...info.matchAll(/^physical id\s*: (\d+)/gm)].map(([, id]) => id)).size || 1;
  const cores = new Set(
    [...info.matchAll(/^physical id\s*: (\d+)[\s\S]*?^core id\s*: (\d+)/gm)].map(
      ([, socket, core]) => `${socket}/${core}`,
    ),
  );
  const { capacityBytes, inodes } = await fileSystemOf(config.root, "");
  return {
    num_cores: facts.cpus,
    num_physical_cores: cores.size || facts.cpus,
    num_sockets: sockets,
    cpu_frequency_khz: (cpus()[0]?.speed ?? 0) * 1000,
    memory_capacity: facts.memoryBytes,
    machine_id: readText("/etc/machine-id")?.trim() ?? "",
    system_uuid: readText("/sys/class/dmi/id/product_uuid")?.trim() ?? "",
    boot_id: readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
    filesystems: [{ device: config.root, capacity: capacityBytes, inodes, has_inodes: true, type: "vfs" }],
    cloud_provider: "Unknown",
    instance_type: "Unknown",
    instance_id: "None",
  };
}

/** Undefined: this machine has none. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
