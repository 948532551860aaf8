// `npm run bench`: podrun beside the floor program and, with --peers, beside podman and containerd, in turns in one run.
//   npm run bench -- image [--rounds N] [--peers] [--tmpfs] [--against DIST] [--profile FOLDER] [-o json]
//   npm run bench -- crash|probes [--pods N] [--against DIST] [--profile FOLDER] [-o json]
//   npm run bench -- [start] [exec] [delete] [memory] [scale] [--rounds N] [--pods N] [--peers] [--favordynmods]
//                    [--against DIST] [--profile FOLDER] [-o json]
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { detectCgroups } from "../src/linux/cgroup/index.ts";
import type { Contender } from "./contender.ts";
import { measureCrash } from "./crash.ts";
import { Floor } from "./floor.ts";
import { measureImages } from "./image.ts";
import { DIST, layerFolder } from "./instance.ts";
import type { Load } from "./load.ts";
import { measureMemory, measureRounds, measureScale, type Results, type Selection } from "./measures.ts";
import { openPeers } from "./peers.ts";
import { Podrun } from "./podrun.ts";
import { measureProbes } from "./probes.ts";
import { mountedFavordynmods } from "./proc.ts";
import { ended, run } from "./processes.ts";
import { printTable, rowsOf } from "./report.ts";

const NAMES = ["start", "exec", "delete", "memory", "scale"] as const;
/** Apart from the others, and not among "everything": it needs a registry and some minutes. */
const IMAGE = "image";
/** Apart as well: many pods, and nobody to hold beside. */
const LOADS: Readonly<Record<string, typeof measureCrash>> = { crash: measureCrash, probes: measureProbes };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    pods: { type: "string" },
    peers: { type: "boolean", default: false },
    favordynmods: { type: "boolean", default: false },
    against: { type: "string" },
    profile: { type: "string" },
    tmpfs: { type: "boolean", default: false },
    output: { type: "string", short: "o", default: "table" },
  },
});

/** What is said beside the results. stdout is the results' own. */
const say = (text: string): void => console.error(text);

async function main(): Promise<void> {
  if (positionals.includes(IMAGE)) return benchImages();
  const load = LOADS[positionals[0] ?? ""];
  if (load !== undefined) return benchLoad(load);
  const selection = Object.fromEntries(
    NAMES.map((name) => [name, positionals.length === 0 || positionals.includes(name)]),
  ) as unknown as Selection;
  const unknown = positionals.find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined)
    throw new Error(`no benchmark "${unknown}": want some of ${NAMES.join(", ")}, or ${IMAGE}`);
  const work = mkdtempSync(join(tmpdir(), "podrun-bench-"));
  const contenders: Contender[] = [];
  const results: Results = new Map();
  try {
    await run("mount", ["-t", "tmpfs", "-o", "mode=700", "podrun-bench", work]);
    await run("ip", ["link", "set", "lo", "up"]);
    if (options.favordynmods) await favourMoves(work);
    await Promise.race([interrupted(), measure(work, selection, contenders, results)]);
  } finally {
    await takeDown(work, contenders);
  }
}

async function benchLoad(measureLoad: typeof measureCrash): Promise<void> {
  const opened: Load[] = [];
  const work = mkdtempSync(join(tmpdir(), "podrun-bench-"));
  const results: Results = new Map();
  try {
    await run("mount", ["-t", "tmpfs", "-o", "mode=700", "podrun-bench", work]);
    await run("ip", ["link", "set", "lo", "up"]);
    const name = `ld${(process.pid % 46656).toString(36)}`;
    const dist = options.against === undefined ? DIST : resolve(options.against);
    const pods = Number(options.pods ?? 1000);
    const onOpen = (load: Load): void => void opened.push(load);
    await Promise.race([
      interrupted(),
      measureLoad({ name, work, dist, network: 95, profile: options.profile, pods, say, onOpen }, results),
    ]).catch((error: unknown) => {
      say(lastLines(join(work, "daemon.log")));
      throw error;
    });
    const rows = rowsOf(results);
    if (options.output === "json") console.log(JSON.stringify({ rows }, undefined, 2));
    else printTable(rows);
  } finally {
    for (const load of opened) await load.close();
    await takeDown(work, []);
  }
}

/** What a daemon that failed said last. */
const lastLines = (path: string): string =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(-40).join("\n") : "";

/** On the disk, as images are, unless --tmpfs. */
async function benchImages(): Promise<void> {
  const work = mkdtempSync(join(options.tmpfs ? tmpdir() : "/var/tmp", "podrun-bench-"));
  const contenders: Contender[] = [];
  const results: Results = new Map();
  try {
    if (options.tmpfs) await run("mount", ["-t", "tmpfs", "-o", "mode=700", "podrun-bench", work]);
    await run("ip", ["link", "set", "lo", "up"]);
    const rounds = Number(options.rounds ?? 5);
    const { peers, profile, against } = options;
    const all = { work, rounds, peers, profile, against: against && resolve(against) };
    await Promise.race([interrupted(), measureImages(all, contenders, results, say)]);
    const rows = rowsOf(results);
    if (options.output === "json") console.log(JSON.stringify({ rows }, undefined, 2));
    else printTable(rows);
  } finally {
    await takeDown(work, contenders);
  }
}

async function takeDown(work: string, contenders: readonly Contender[]): Promise<void> {
  for (const contender of contenders)
    await contender.close().catch((error: unknown) => say(`${contender.name}: ${error}`));
  // Fails where nothing is mounted.
  await run("umount", ["-R", "-l", work]).catch(() => undefined);
  rmSync(work, { recursive: true, force: true });
}

async function measure(work: string, selection: Selection, contenders: Contender[], results: Results): Promise<void> {
  const name = `bn${(process.pid % 46656).toString(36)}`;
  const { profile, against } = options;
  const podrun = await Podrun.open("podrun", { name, work: join(work, "podrun"), dist: DIST, network: 91, profile });
  contenders.push(podrun);
  if (against !== undefined) {
    const other = { name: `x${name}`, work: join(work, "against"), dist: resolve(against), network: 93 };
    contenders.push(await Podrun.open("against", other));
  }
  // The daemon unpacks its base image at the first need of it.
  await podrun.start(0);
  await podrun.delete(0);
  const floor = await Floor.open({ name: `${name}f`, work: join(work, "floor"), layer: layerFolder(podrun.instance) });
  contenders.unshift(floor);
  if (options.peers) contenders.push(...(await openPeers(work, say)));
  const machine = await describeMachine(floor);
  say(machine.text);
  const timed = selection.start || selection.exec || selection.delete;
  if (timed) await measureRounds(contenders, selection, Number(options.rounds ?? 30), results);
  if (selection.memory) await measureMemory(contenders, results);
  const own = contenders.filter((contender) => contender === floor || contender instanceof Podrun);
  if (selection.scale) await measureScale(own, Number(options.pods ?? 220), results);
  const rows = rowsOf(results);
  if (options.output === "json") console.log(JSON.stringify({ machine, rows }, undefined, 2));
  else printTable(rows);
}

async function describeMachine(floor: Floor) {
  const { mode } = detectCgroups();
  await delay(300);
  const joinMs = await floor.join();
  const text = [
    `Linux ${release()}, ${availableParallelism()} CPUs, cgroup ${mode}`,
    mode === "v2"
      ? "containers are cloned into their cgroups"
      : `favordynmods ${mountedFavordynmods() ? "is mounted" : "is not mounted"}; joining a v1 cgroup after a rest took ${joinMs?.toFixed(2)} ms (10 or so: without favordynmods)`,
  ].join(", ");
  return {
    kernel: release(),
    cpus: availableParallelism(),
    cgroup: mode,
    favordynmods: mountedFavordynmods(),
    joinMs,
    text,
  };
}

/** The kernel keeps it until the next reboot, for every hierarchy of the machine, also after this mount is gone. */
async function favourMoves(work: string): Promise<void> {
  const folder = join(work, "favordynmods");
  await run("mkdir", [folder]);
  await run("mount", ["-t", "cgroup", "-o", "none,name=podrun-bench,favordynmods", "podrun-bench", folder]);
  say("favordynmods: switched on for the whole machine; only a reboot switches it off again");
}

function interrupted(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => reject(new Error(`${signal}: stopped; everything is taken down`)));
  });
}

/**
 * In mount and network namespaces of its own: what is mounted here the host never sees, whatever happens to us, and its nft
 * tables and links, which libnftables reads at every change, cost us nothing.
 */
async function unshareSelf(): Promise<number | string> {
  const args = ["--net", "--mount", "--propagation", "private", process.execPath, ...process.argv.slice(1)];
  const child = spawn("unshare", args, { stdio: "inherit", env: { ...process.env, PODRUN_BENCH_UNSHARED: "1" } });
  // Ctrl-C reaches both of us; it is the child who cleans up.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return ended(child);
}

if (process.geteuid?.() !== 0) {
  say("bench: must run as root, for pods are made");
  process.exitCode = 1;
} else if (process.env["PODRUN_BENCH_UNSHARED"] === undefined) {
  const code = await unshareSelf();
  process.exitCode = typeof code === "number" ? code : 1;
} else {
  await main().catch((error: unknown) => {
    say(`bench: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  });
  // A request that was under way when we were interrupted would keep us.
  process.exit();
}
