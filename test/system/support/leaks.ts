import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../../src/base/config.ts";
import { type CgroupLayout, cgroupFolders } from "../../../src/linux/cgroup/index.ts";
import { mountsBelow, readMounts } from "../../../src/linux/mounts.ts";
import { RouteSocket } from "../../../src/linux/netlink/index.ts";
import type { Nft } from "../../../src/linux/nftables/index.ts";
import { commandLine } from "../../../src/linux/proc.ts";

/** An instance of the runtime, by what it leaves in the kernel, on the disk and on record. */
export interface Traceable {
  readonly config: Config;
  readonly cgroups: CgroupLayout;
  readonly nft: Nft;
  /** The namespace of all its pods, which no other instance uses: monitors and pauses are known by their title. */
  readonly namespace: string;
  readonly store: {
    readonly sandboxes: { list(): readonly { readonly id: string }[] };
    readonly containers: { list(): readonly { readonly id: string }[] };
    readonly leases: { list(): readonly { readonly ip4: string }[] };
  };
}

/** How long the kernel may take to free what it frees by and by (links go some 45 ms after their namespace's last user). */
const PATIENCE_MILLIS = 10_000 * Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1);

/** Everything that exists because of this instance's pods, a line each, but for the links: those go by and by. */
export function takeInventory(instance: Traceable): readonly string[] {
  const { config, store } = instance;
  return [
    ...cgroups(instance),
    ...elements(instance),
    ...[config.root, config.run]
      .flatMap((folder) => mountsBelow(readMounts(), folder))
      .map(({ point }) => `mount ${point}`),
    ...processes(instance),
    ...[join(config.run, "pods"), join(config.root, "containers")]
      .flatMap((path) => entries(path))
      .map((path) => `folder ${path}`),
    ...store.sandboxes.list().map(({ id }) => `record of sandbox ${id}`),
    ...store.containers.list().map(({ id }) => `record of container ${id}`),
    ...store.leases.list().map(({ ip4 }) => `lease ${ip4}`),
  ];
}

/** Host ends of this instance's links. */
export async function takeLinks({ config }: Traceable): Promise<readonly string[]> {
  const socket = new RouteSocket();
  try {
    const links = await socket.links();
    return links.filter(({ name }) => name.startsWith(config.linkPrefix)).map(({ name }) => `link ${name}`);
  } finally {
    socket.close();
  }
}

/** What is there and was not `before` (default: nothing was); what is only on its way out is waited for. */
export async function findLeaks(instance: Traceable, before: readonly string[] = []): Promise<readonly string[]> {
  const end = performance.now() + PATIENCE_MILLIS;
  for (;;) {
    const found = [...takeInventory(instance), ...(await takeLinks(instance))].filter((line) => !before.includes(line));
    if (found.length === 0 || performance.now() > end) return found;
    await delay(10);
  }
}

function cgroups({ config, cgroups }: Traceable): string[] {
  const own = cgroupFolders(cgroups, config.cgroup).flatMap(folders);
  // The classes' own folders stay for the life of the instance.
  return own.filter((path) => !/\/(burstable|besteffort)$/.test(path)).map((path) => `cgroup ${path}`);
}

function elements({ config, nft }: Traceable): string[] {
  const items = nft.listJson(`list table inet ${config.table}`) as {
    readonly set?: { name: string; elem?: unknown[] };
  }[];
  return items.flatMap(({ set }) => (set?.elem ?? []).map((element) => `nft ${set?.name} ${JSON.stringify(element)}`));
}

function processes({ namespace }: Traceable): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const title = commandLine(Number(pid))?.[0] ?? "";
    return /^(podrun-monitor|pause) /.test(title) && title.includes(` ${namespace}/`)
      ? [`process ${pid} ${title}`]
      : [];
  });
}

/** Folders at any depth below one. */
function folders(path: string): string[] {
  return entries(path, true).flatMap((folder) => [folder, ...folders(folder)]);
}

function entries(path: string, foldersOnly = false): string[] {
  try {
    const all = readdirSync(path, { withFileTypes: true });
    return all.filter((entry) => !foldersOnly || entry.isDirectory()).map(({ name }) => join(path, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Pids of a process's children, whichever of its threads has made them. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}
