// Where README's commands run: a network of its own, folders of its own in the places of the usual ones, this tree as
// /root/podrun, and a registry on loopback that stands for docker.io.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nginx } from "../test/system/support/images.ts";
import { pushImage } from "../test/system/support/push.ts";
import { startRegistry } from "../test/system/support/registry.ts";

export interface Room {
  /** Puts the usual names where the room had its own. */
  readonly rename: (text: string) => string;
  readonly leave: () => Promise<void>;
}

/** Told to the process that is in the room already. */
const INSIDE = "PODRUN_README_ROOM";
/** A cgroup cannot be hidden behind a mount without hiding the machine's own. As long as "/podrun", for columns. */
const CGROUP = "/readme";
const HOME = "/root/podrun";
const FOLDERS = ["/run/podrun", "/var/lib/podrun", "/var/log/pods", "/usr/local/bin"];

function run(command: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: exit code ${status}`);
}

/** The room, or undefined when this process has run another one in it. */
export async function enterRoom(root: string): Promise<Room | undefined> {
  if (process.env[INSIDE] === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "podrun-readme-"));
    const inside = ["--mount", "--net", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
    const { status } = spawnSync("unshare", inside, { stdio: "inherit", env: { ...process.env, [INSIDE]: folder } });
    rmSync(folder, { recursive: true, force: true });
    process.exitCode = status ?? 1;
    return undefined;
  }
  return furnish(root, process.env[INSIDE]);
}

async function furnish(root: string, folder: string): Promise<Room> {
  for (const path of FOLDERS) {
    for (const made of [join(folder, path), path]) mkdirSync(made, { recursive: true });
    run("mount", "--bind", join(folder, path), path);
  }
  // The tree may lie below /root itself, so it is held open while the new /root is put over it.
  const tree = openSync(root, "r");
  run("mount", "-t", "tmpfs", "tmpfs", "/root");
  mkdirSync(HOME);
  run("mount", "--rbind", `/proc/${process.pid}/fd/${tree}`, HOME);
  // The pods' own network stands on it, as on a machine with one card.
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
  run("ip", "address", "add", "192.0.2.2/24", "dev", "eth0");
  for (const name of ["eth0", "wire"]) run("ip", "link", "set", name, "up");
  run("ip", "route", "add", "default", "via", "192.0.2.1");
  const teardowns: (() => void | Promise<void>)[] = [];
  const registry = await startRegistry({ teardown: (act) => void teardowns.unshift(act) });
  await pushImage(registry, { name: "library/nginx:latest", ...nginx() });
  const conf = join(folder, "registries.conf");
  writeFileSync(conf, `[[registry]]\nprefix = "docker.io"\nlocation = "${registry.host}"\ninsecure = true\n`);
  process.env["PODRUN_REGISTRIES_CONF"] = conf;
  process.env["PODRUN_MANIFESTS"] = join(folder, "manifests");
  process.env["PODRUN_CGROUP"] = CGROUP;
  process.chdir(HOME);
  const leave = async (): Promise<void> => {
    run("podrun", "system", "reset", "--yes");
    for (const act of teardowns) await act();
  };
  return { rename: (text) => text.replaceAll(registry.host, "docker.io").replaceAll(CGROUP, "/podrun"), leave };
}
