// Servers and clients of host ports, in whatever network.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Instance, makeManifest, type Teardown, until } from "./podrun.ts";

export const PROGRAM = join(import.meta.dirname, "ports.py");

/** Ten ports of this test file's own, below the ephemeral ones. */
export const base = 20_000 + (process.pid % 600) * 10;

export interface Program {
  readonly child: ChildProcess;
  text: string;
}

export function run(t: Teardown, argv: readonly string[]): Program {
  const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
  const program: Program = { child, text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      program.text += text;
    });
  t.teardown(() => void child.kill("SIGKILL"));
  return program;
}

export const untilReady = (program: Program): Promise<void> =>
  until(
    async () => program.text.includes("ready"),
    30_000,
    () => program.text,
  );

/** What enters the network of a pod. */
export function inPod(uid: string): readonly string[] {
  const pid = readdirSync("/proc").find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cgroup`, "utf8").includes(uid) && command(name) === "sleep";
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error(`no process of pod ${uid}`);
  return ["nsenter", `--net=/proc/${pid}/ns/net`];
}

const command = (pid: string): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();

/** A pod with these ports, and for each protocol of them a server in its network that says the pod's name. */
export async function servePod(t: Teardown, podrun: Instance, name: string, ports: readonly Port[]) {
  await podrun.start(makeManifest(name, [{ name: "main", ports }]));
  const pod = await podrun.pod(name);
  const enter = inPod(pod.metadata.uid);
  for (const { protocol = "TCP", containerPort } of ports)
    await untilReady(
      run(t, [...enter, "python3", PROGRAM, "serve", protocol.toLowerCase(), String(containerPort), name]),
    );
  return { pod, enter, ip4: pod.status.podIPs?.[0]?.ip ?? "", ip6: pod.status.podIPs?.[1]?.ip ?? "" };
}

export interface Port {
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

/** The answer of whatever is there, or the error's name. */
export async function ask(enter: readonly string[], protocol: string, address: string, port: number, source?: number) {
  const argv = [...enter, "python3", PROGRAM, "ask", protocol, address, String(port)];
  const child = spawn(argv[0] ?? "", [...argv.slice(1), ...(source ? [String(source)] : [])]);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  await new Promise((resolve) => child.once("close", resolve));
  return text.trim();
}
