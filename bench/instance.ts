// A podrun instance of the benchmark's own: other folders, cgroup, table, links and addresses than the machine's.
import { spawn } from "node:child_process";
import { globSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "../src/base/config.ts";
import { detectCgroups, killCgroup, removeCgroup } from "../src/linux/cgroup/index.ts";
import { Nft } from "../src/linux/nftables/index.ts";
import { removeRuleset } from "../src/net/index.ts";
import { ended } from "./processes.ts";

/** What `npm run build` made of this checkout. */
export const DIST = join(import.meta.dirname, "..", "dist");

export interface InstanceOptions {
  /** Its cgroup, its table, and (at most 7 characters) the beginning of its links' names. */
  readonly name: string;
  /** Folder of its state. */
  readonly work: string;
  /** Built files to run. */
  readonly dist: string;
  /** Second number of its addresses, 10.N.0.0/16. */
  readonly network: number;
  /** V8 writes a CPU profile into this folder when the daemon leaves. */
  readonly profile?: string | undefined;
  /** A module that is loaded into the daemon before it, and more of its environment. */
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Instance {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly daemonPid: number;
  /** Kills what is left of it, and removes its cgroup and table. Its folders go with the caller's. */
  close(): Promise<void>;
}

/** Starts the shipped daemon, and waits until its socket answers. */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { name, work, dist, network, profile, preload } = options;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    PODRUN_ROOT: join(work, "state"),
    PODRUN_RUN: join(work, "run"),
    PODRUN_LOGS: join(work, "logs"),
    PODRUN_CGROUP: `/${name}`,
    PODRUN_TABLE: name,
    PODRUN_LINK_PREFIX: name.slice(0, 7),
    PODRUN_CIDR4: `10.${network}.0.0/16`,
    PODRUN_CIDR6: `fd${network}::/64`,
    ...options.env,
  };
  const config = loadConfig(env);
  mkdirSync(config.run, { recursive: true, mode: 0o700 });
  const log = openSync(join(work, "daemon.log"), "a", 0o600);
  const flags = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  if (preload !== undefined) flags.push("--require", preload);
  // A group of its own: Ctrl-C reaches the benchmark, which takes it down in order.
  const child = spawn(process.execPath, [...flags, join(dist, "daemon.cjs")], {
    stdio: ["ignore", log, log, "pipe"],
    env: { ...env, PODRUN_READY_FD: "3" },
    cwd: "/",
    detached: true,
  });
  const left = ended(child);
  const ready = await Promise.race([firstLine(child.stdio[3] as NodeJS.ReadableStream), left.then(String)]);
  if (ready !== "ready") throw new Error(`the daemon did not start: ${ready}; its log is ${join(work, "daemon.log")}`);
  return { config, env, daemonPid: child.pid ?? 0, close: () => takeDown(config, child.pid ?? 0, left) };
}

/** The one layer folder of the image that the instance has. */
export function layerFolder({ config }: Instance): string {
  const [layer] = globSync(join(config.root, "images", "layers", "*"));
  if (layer === undefined) throw new Error(`no layer below ${config.root}/images/layers: the base image is missing`);
  return layer;
}

async function takeDown(config: Config, daemon: number, left: Promise<unknown>): Promise<void> {
  try {
    process.kill(daemon, "SIGTERM");
  } catch {
    // It has left already.
  }
  await left;
  const cgroups = detectCgroups();
  await killCgroup(cgroups, config.cgroup);
  await removeCgroup(cgroups, config.cgroup);
  new Nft().run(removeRuleset(config.table));
  rmSync(config.run, { recursive: true, force: true });
}

function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.on("data", (data) => {
      text += data;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    stream.on("end", () => resolve(text || "it left without a word"));
  });
}
