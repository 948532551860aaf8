// What both boots of the VM use: podrun as README installs it, and what the first boot leaves word of for the second.
import { closeSync, fsyncSync, globSync, openSync, readFileSync, writeSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Pod } from "../../src/spec/index.ts";
import { isReady, until } from "../system/support/podrun.ts";

const NOTES = "/var/tmp/first-boot.json";
const SOCKET = "/run/podrun/podrun.sock";
const CGROUP = "/sys/fs/cgroup/podrun";

/** What the second boot holds itself against. */
export interface Notes {
  /** Restarts of each pod's container. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** Written to the disk before this returns: the machine loses its power next. */
export function leaveNotes(notes: Notes): void {
  const file = openSync(NOTES, "w");
  writeSync(file, JSON.stringify(notes));
  fsyncSync(file);
  closeSync(file);
}

export const readNotes = (): Notes => JSON.parse(readFileSync(NOTES, "utf8")) as Notes;

/** Runs a program, which must succeed; its stdout. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  return (await execa(program, args, { timeout: 120_000 })).stdout;
}

export const podrun = (...args: readonly string[]): Promise<string> => run("podrun", ...args);

export async function apply(...manifests: readonly object[]): Promise<void> {
  const input = manifests.map((one) => JSON.stringify(one)).join("\n---\n");
  await execa("podrun", ["apply", "-f", "-"], { input, timeout: 120_000 });
}

/** Asked of the daemon itself: a command takes the emulated machine a second and more. */
async function pods(): Promise<readonly Pod[]> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath: SOCKET, path: "/api/v1/namespaces/default/pods" }, resolve).on("error", reject).end();
  });
  return (JSON.parse((await answer.setEncoding("utf8").toArray()).join("")) as { items: readonly Pod[] }).items;
}

export async function pod(name: string): Promise<Pod> {
  const found = (await pods()).find(({ metadata }) => metadata.name === name);
  if (!found) throw new Error(`there is no pod ${name}`);
  return found;
}

export async function untilPod(name: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  let last: Pod | undefined;
  const check = async (): Promise<boolean> => {
    last = (await pods()).find(({ metadata }) => metadata.name === name);
    return last !== undefined && condition(last);
  };
  await until(check, 240_000, () => `${name}: ${JSON.stringify(last?.status, null, 2)}`);
  return last as Pod;
}

export { isReady };

/** A pod's only container. */
export const containerOf = (pod: Pod) => pod.status.containerStatuses?.[0];

export const restartsOf = (pod: Pod): number => containerOf(pod)?.restartCount ?? 0;

export const isBackingOff = (pod: Pod): boolean => containerOf(pod)?.state?.waiting?.reason === "CrashLoopBackOff";

/** The first process of each of these pods' containers, by its cgroup: the same as before means that nothing was started anew. */
export function processesOf(...pods: readonly Pod[]): Readonly<Record<string, number>> {
  const files = pods.flatMap(({ metadata }) => globSync(`${CGROUP}/**/*${metadata.uid}*/**/cgroup.procs`)).sort();
  const first = (file: string): number => Math.min(...readFileSync(file, "utf8").trim().split("\n").map(Number));
  return Object.fromEntries(files.map((file) => [dirname(file), first(file)]));
}

/** What systemd might take from cgroups that are not its own: controllers and limits. */
export function settingsOf(...pods: readonly Pod[]): Readonly<Record<string, string>> {
  const names = ["cgroup.subtree_control", "memory.max", "cpu.max", "cpu.weight", "pids.max"];
  const folders = [CGROUP, ...Object.keys(processesOf(...pods))];
  const files = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return Object.fromEntries(files.map((file) => [file, readFileSync(file, "utf8").trim()]));
}

/** One property of a unit, as systemd prints it. */
export const property = (unit: string, name: string): Promise<string> =>
  run("systemctl", "show", "--value", "-p", name, unit);

/** Waits until systemd calls a unit active with another main process than `before`. */
export async function untilActive(unit: string, before = ""): Promise<string> {
  let pid = "";
  await until(
    async () => {
      pid = await property(unit, "MainPID");
      return (await property(unit, "ActiveState")) === "active" && pid !== "0" && pid !== before;
    },
    240_000,
    () => `${unit} is not active`,
  );
  return pid;
}
