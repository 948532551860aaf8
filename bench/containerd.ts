// containerd as a contender, over CRI as a kubelet uses it: a daemon of our own with scratch folders, links by CNI's ptp.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { removeCgroups } from "./cgroups.ts";
import { type Contender, now, time } from "./contender.ts";
import { CriClient, field, firstString, message } from "./cri.ts";
import { writePauseImage } from "./pause-image.ts";
import { CONTAINERS, CPU_REQUEST_MILLIS, IMAGE, MEMORY_LIMIT, NAMESPACE, podName, SLEEP, TRUE } from "./pod.ts";
import { listProcesses, proportionalMemory } from "./proc.ts";
import { ended, run } from "./processes.ts";

const CNI_PROGRAMS = ["/usr/lib/cni", "/opt/cni/bin"];
const START_LIMIT_MS = 20_000;
const CGROUP = "podrun-bench-containerd";
/** Not CRI's: of an image in there CRI makes records of its own, which keep its layers. */
const IMAGES_NAMESPACE = "bench-images";
const PAUSE_IMAGE = "podrun.local/bench-pause:latest";

interface RunningPod {
  readonly sandbox: string;
  readonly containers: readonly string[];
}

export class Containerd implements Contender {
  readonly name = "containerd";
  readonly #client: CriClient;
  readonly #child: ChildProcess;
  readonly #work: string;
  readonly #pods = new Map<number, RunningPod>();

  private constructor(client: CriClient, child: ChildProcess, work: string) {
    this.#client = client;
    this.#child = child;
    this.#work = work;
  }

  static async open(work: string, archive: string): Promise<Containerd> {
    mkdirSync(work, { recursive: true });
    const socket = join(work, "containerd.sock");
    writeFileSync(join(work, "config.toml"), configuration(work, socket));
    writeNetwork(work);
    const log = openSync(join(work, "containerd.log"), "a");
    const child = spawn("containerd", ["--config", join(work, "config.toml")], {
      stdio: ["ignore", log, log],
      detached: true,
    });
    const end = performance.now() + START_LIMIT_MS;
    const ctr = (...args: string[]): Promise<string> => run("ctr", ["-a", socket, "-n", "k8s.io", ...args]);
    while (!(await ctr("version").catch(() => undefined))) {
      if (performance.now() > end) throw new Error(`containerd does not answer; its log is ${work}/containerd.log`);
      await delay(50);
    }
    await ctr("images", "import", archive);
    await ctr("images", "import", await writePauseImage(archive, join(work, "pause"), PAUSE_IMAGE));
    const containerd = new Containerd(new CriClient(socket), child, work);
    return containerd;
  }

  /** RunPodSandbox, then CreateContainer and StartContainer twice: StartContainer answers after the execve. */
  async start(pod: number): Promise<number> {
    const begin = now();
    const config = sandboxConfig(pod, this.#work);
    const sandbox = firstString(await this.#client.call("RunPodSandbox", field(1, config)));
    const containers: string[] = [];
    this.#pods.set(pod, { sandbox, containers });
    for (const name of CONTAINERS) {
      const request = message(field(1, sandbox), field(2, containerConfig(name)), field(3, config));
      const id = firstString(await this.#client.call("CreateContainer", request));
      await this.#client.call("StartContainer", field(1, id));
      containers.push(id);
    }
    return now() - begin;
  }

  exec(pod: number): Promise<number> {
    const request = message(field(1, this.#pods.get(pod)?.containers[0] ?? ""), ...TRUE.map((word) => field(2, word)));
    return time(() => this.#client.call("ExecSync", request));
  }

  /** Its layers are unpacked into overlayfs snapshots. */
  pull(reference: string): Promise<unknown> {
    return this.#ctr("images", "pull", "--plain-http", reference);
  }

  /** `--sync`: content and snapshots are gone when it ends. */
  removeImage(reference: string): Promise<unknown> {
    return this.#ctr("images", "rm", "--sync", reference);
  }

  async delete(pod: number): Promise<number> {
    const { sandbox } = this.#pods.get(pod) as RunningPod;
    const spent = await time(async () => {
      await this.#client.call("StopPodSandbox", field(1, sandbox));
      await this.#client.call("RemovePodSandbox", field(1, sandbox));
    });
    this.#pods.delete(pod);
    return spent;
  }

  /** The shim, one for a pod, and the pod's pause process, which is the shim's child. */
  async memory(pods: readonly number[]): Promise<readonly number[]> {
    const processes = listProcesses();
    return pods.map((pod) => {
      const shim = processes.find(({ title }) => title.includes(`-id ${this.#pods.get(pod)?.sandbox}`));
      if (shim === undefined) throw new Error(`containerd: no shim of ${podName(pod)} in /proc`);
      return proportionalMemory(shim.pid);
    });
  }

  #ctr(...args: string[]): Promise<string> {
    return run("ctr", ["-a", join(this.#work, "containerd.sock"), "-n", IMAGES_NAMESPACE, ...args]);
  }

  async close(): Promise<void> {
    for (const pod of [...this.#pods.keys()]) await this.delete(pod);
    this.#client.close();
    const left = ended(this.#child);
    this.#child.kill("SIGTERM");
    await left;
    removeCgroups(CGROUP);
  }
}

function configuration(work: string, socket: string): string {
  const cni = CNI_PROGRAMS.find((folder) => existsSync(join(folder, "ptp")));
  if (cni === undefined) throw new Error("CNI's plugins are not installed (Debian: containernetworking-plugins)");
  return `version = 2
root = "${work}/root"
state = "${work}/state"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cni}"
    conf_dir = "${work}/cni"
`;
}

function writeNetwork(work: string): void {
  mkdirSync(join(work, "cni"), { recursive: true });
  // IPv4 alone: with IPv6 the plugin waits more than a second for duplicate address detection, and that is not containerd's cost.
  const ranges = [[{ subnet: "10.92.0.0/16" }]];
  const ipam = { type: "host-local", ranges, routes: [{ dst: "0.0.0.0/0" }], dataDir: `${work}/ipam` };
  const network = { cniVersion: "0.4.0", name: "bench", plugins: [{ type: "ptp", ipMasq: false, ipam }] };
  writeFileSync(join(work, "cni", "10-bench.conflist"), JSON.stringify(network));
}

/** PodSandboxConfig: metadata 1 {name 1, uid 2, namespace 3}, hostname 2, log_directory 3, linux 8 {cgroup_parent 1}. */
function sandboxConfig(pod: number, work: string): Buffer {
  const metadata = message(field(1, podName(pod)), field(2, `uid-${pod}`), field(3, NAMESPACE));
  const logs = join(work, "logs", podName(pod));
  mkdirSync(logs, { recursive: true });
  return message(field(1, metadata), field(2, podName(pod)), field(3, logs), field(8, field(1, `/${CGROUP}`)));
}

/**
 * ContainerConfig: metadata 1 {name 1}, image 2 {image 1}, command 3, log_path 11, linux 15 {resources 1 {cpu_shares 3,
 * memory_limit_in_bytes 4}}.
 */
function containerConfig(name: string): Buffer {
  const shares = Math.floor((CPU_REQUEST_MILLIS * 1024) / 1000);
  const resources = message(field(3, shares), field(4, MEMORY_LIMIT));
  return message(
    field(1, field(1, name)),
    field(2, field(1, `${IMAGE}:latest`)),
    ...SLEEP.map((word) => field(3, word)),
    field(11, `${name}.log`),
    field(15, field(1, resources)),
  );
}
