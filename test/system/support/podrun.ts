import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../../src/base/config.ts";
import { loadConfig } from "../../../src/base/config.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { PROGRAM } from "./program.ts";

const ROOT = join(import.meta.dirname, "../../..");

/** What a test object offers to register a clean-up with; tap's and node:test's alike. */
export interface Teardown {
  teardown(clean: () => void | Promise<void>): void;
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InstanceOptions {
  /** More environment for the command line and the daemon that it starts. */
  readonly env?: Readonly<Record<string, string>>;
  /** Use the test builds, which obey {@link Instance.fault}. */
  readonly faults?: boolean;
}

/** Longest time that a command may take; the machine may be an emulated one. */
const COMMAND_MILLIS = 120_000;

/**
 * An instance of podrun of the test's own: folders, cgroup, table, links and addresses that no other one uses. It is removed
 * with everything in it at the end of the test, and the test fails when something of it stays.
 */
export function startInstance(t: Teardown, options: InstanceOptions = {}): Instance {
  const instance = new Instance(options);
  t.teardown(() => instance.cleanUp());
  return instance;
}

export class Instance {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly config: Config;
  /** Set by tests that leave a state that `system check` must not call clean. */
  skipCheck = false;
  /** Done when the instance is gone: what it stood on can be taken away. */
  readonly afterwards: (() => void)[] = [];

  constructor(options: InstanceOptions) {
    this.folder = mkdtempSync(join(tmpdir(), "podrun-test-"));
    const letters = [...this.folder.slice(-6)].map((c) => "ghijklmnopqrstuvwxyz"[c.charCodeAt(0) % 20]).join("");
    const [a, b] = [128 + (process.pid % 100), letters.charCodeAt(0) + letters.charCodeAt(1)];
    const faults = join(this.folder, "faults");
    this.env = {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      NO_COLOR: "1",
      PODRUN_ROOT: join(this.folder, "root"),
      PODRUN_RUN: join(this.folder, "run"),
      PODRUN_LOGS: join(this.folder, "logs"),
      PODRUN_MANIFESTS: join(this.folder, "manifests"),
      PODRUN_CGROUP: `/podrun-test-${letters}`,
      PODRUN_TABLE: `podrun_test_${letters}`,
      PODRUN_LINK_PREFIX: `t${letters.slice(0, 5)}`,
      PODRUN_CIDR4: `10.${a}.${b}.0/24`,
      PODRUN_CIDR6: `fd77:${a}:${b}::/120`,
      PODRUN_DAEMON: join(ROOT, "dist", options.faults ? "daemon-test.cjs" : "daemon.cjs"),
      // However full this machine's disk is.
      PODRUN_EVICTION_HARD: "",
      ...(options.faults && { PODRUN_FAULT: `@${faults}` }),
      ...options.env,
    };
    if (options.faults) writeFileSync(faults, "");
    this.config = loadConfig(this.env);
    if (!existsSync(this.env["PODRUN_DAEMON"] ?? "")) throw new Error("dist/ is not built: run npm run build");
  }

  /** Runs the command line; whatever its exit code. */
  podrun(...args: readonly string[]): Promise<Result> {
    return this.run(args);
  }

  run(
    args: readonly string[],
    options: { readonly input?: string; readonly signal?: AbortSignal; readonly uid?: number } = {},
  ): Promise<Result> {
    const child = spawn(process.execPath, [...PROGRAM, ...args], {
      env: this.env,
      stdio: ["pipe", "pipe", "pipe"],
      timeout: COMMAND_MILLIS,
      killSignal: "SIGKILL",
      ...(options.signal && { signal: options.signal }),
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    // A command that leaves without reading its input is none of a test's business.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code: code ?? (signal ? 128 : -1), ...output }));
    });
  }

  /** Runs the command line, which must succeed; its stdout. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.podrun(...args);
    if (code !== 0) throw new Error(`podrun ${args.join(" ")}: exit code ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  /** `apply -f` of manifests, objects or YAML text; does not wait for the pods to run. */
  async apply(...manifests: readonly (object | string)[]): Promise<Result> {
    const text = manifests.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n---\n");
    return this.run(["apply", "-f", "-"], { input: text });
  }

  /** Applies and waits until every pod's containers run. */
  async start(...manifests: readonly { readonly metadata: { readonly name: string } }[]): Promise<void> {
    const { code, stderr } = await this.apply(...manifests);
    if (code !== 0) throw new Error(`apply: exit code ${code}\n${stderr}`);
    for (const { metadata } of manifests) await this.untilPod(metadata.name, isReady);
  }

  async pods(): Promise<readonly Pod[]> {
    return (JSON.parse(await this.ok("get", "pods", "-A", "-o", "json")) as { items: Pod[] }).items;
  }

  async pod(name: string): Promise<Pod> {
    return JSON.parse(await this.ok("get", "pod", name, "-o", "json")) as Pod;
  }

  /** Waits until a pod is as it should be; fails with what it was last. */
  async untilPod(name: string, condition: (pod: Pod) => boolean, millis = 60_000): Promise<Pod> {
    let last: Pod | undefined;
    const check = async (): Promise<boolean> => {
      last = await this.pod(name);
      return condition(last);
    };
    await until(check, millis, () => JSON.stringify(last?.status, null, 2));
    return last as Pod;
  }

  /** One request to the daemon, which must run: for tests that ask too often for a process each time. */
  async request(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const options = { socketPath: join(this.config.run, "podrun.sock"), method, path };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(options, resolve).on("error", reject);
      sent.end(body === undefined ? "" : JSON.stringify(body));
    });
    const text = (await answer.setEncoding("utf8").toArray()).join("");
    return { status: answer.statusCode ?? 0, body: text === "" ? undefined : JSON.parse(text) };
  }

  /** The daemon's pid, when one has been started; it may have ended. */
  daemonPid(): number | undefined {
    const file = join(this.config.run, "daemon.pid");
    return existsSync(file) ? Number(readFileSync(file, "utf8")) || undefined : undefined;
  }

  /** Kills the daemon as hard as can be, and waits until it is gone. */
  async killDaemon(): Promise<void> {
    const pid = this.daemonPid();
    if (pid === undefined || !isAlive(pid)) return;
    process.kill(pid, "SIGKILL");
    await until(async () => !isAlive(pid));
  }

  /** What fails from now on (src/base/fault.ts); "" is nothing. */
  fault(text: string): void {
    writeFileSync(join(this.folder, "faults"), text);
  }

  daemonLog(): string {
    const file = join(this.config.run, "daemon.log");
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** `system check`: its findings, none when all is clean. */
  async findings(): Promise<string> {
    const { code, stdout, stderr } = await this.podrun("system", "check");
    return code === 0 ? "" : `${stdout}${stderr}`;
  }

  /** Deletes all pods, fails on a leak, removes the instance. */
  async cleanUp(): Promise<void> {
    const problems: string[] = [];
    const attempt = async (what: string, result: Promise<string>): Promise<void> => {
      const text = await result.catch((error: unknown) => String(error));
      if (text !== "") problems.push(`${what}: ${text}`);
    };
    if (existsSync(join(this.folder, "faults"))) this.fault("");
    if (!this.skipCheck) {
      await attempt("delete", this.#failure("delete", "pods", "--all", "-A", "--grace-period=0"));
      await attempt("system check", this.findings());
    }
    const log = this.daemonLog();
    await attempt("system reset", this.#failure("system", "reset", "--yes"));
    for (const act of this.afterwards) act();
    rmSync(this.folder, { recursive: true, force: true });
    if (problems.length > 0) throw new Error(`${problems.join("\n")}\nThe daemon's log:\n${log}`);
  }

  async #failure(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.podrun(...args);
    return code === 0 ? "" : `exit code ${code}: ${stdout}${stderr}`;
  }
}

export function isAlive(pid: number): boolean {
  try {
    // A process that has ended and that nobody has asked for yet is as good as gone.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Asks again and again until it is so; there is no event to wait on from outside. */
export async function until(
  check: () => Promise<boolean>,
  millis = 60_000,
  last: () => string = () => "",
): Promise<void> {
  const end = performance.now() + millis;
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`it did not come to that within ${millis / 1000} s ${last()}`);
    await delay(20);
  }
}

export const isReady = (pod: Pod): boolean =>
  pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** Where a container of a pod is: `waiting`, `running` or `terminated`, with what is said about it. */
export const stateOf = (pod: Pod, container: string) =>
  pod.status.containerStatuses?.find(({ name }) => name === container)?.state ?? {};

/** A manifest; containers of `podrun.local/base` that sleep unless a command is given. */
export function makeManifest(
  name: string,
  containers: readonly object[] = [{ name: "main" }],
  spec: Readonly<Record<string, unknown>> = {},
) {
  const defaults = { image: "podrun.local/base", command: ["sleep", "100000"] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 0, ...spec, containers: containers.map((one) => ({ ...defaults, ...one })) },
  };
}
