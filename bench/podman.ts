// podman as a contender: it has no daemon, so all is a whole process of its command line.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeCgroups } from "./cgroups.ts";
import { type Contender, time } from "./contender.ts";
import { CONTAINERS, IMAGE, podManifest, podName, TRUE } from "./pod.ts";
import { listProcesses, proportionalMemory } from "./proc.ts";
import { run } from "./processes.ts";

export class Podman implements Contender {
  readonly name = "podman";
  readonly #globals: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #work: string;
  readonly #pods = new Set<number>();

  private constructor(globals: readonly string[], work: string) {
    this.#globals = globals;
    this.#env = { ...process.env, CONTAINERS_CONF: join(work, "containers.conf") };
    this.#work = work;
  }

  static async open(work: string, archive: string): Promise<Podman> {
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, "containers.conf"), CONFIGURATION);
    const folders = ["--root", join(work, "root"), "--runroot", join(work, "run"), "--tmpdir", join(work, "tmp")];
    const globals = [...folders, "--cgroup-manager", "cgroupfs", "--storage-driver", "overlay"];
    const podman = new Podman(globals, work);
    await podman.#run("load", "-i", archive);
    return podman;
  }

  async start(pod: number): Promise<number> {
    const manifest = join(this.#work, `${podName(pod)}.json`);
    writeFileSync(manifest, JSON.stringify(podManifest(pod)).replaceAll(`"${IMAGE}"`, `"${IMAGE}:latest"`));
    this.#pods.add(pod);
    return time(() => this.#run("play", "kube", manifest));
  }

  execProcess(pod: number): Promise<number> {
    return time(() => this.#run("exec", containerName(pod), ...TRUE));
  }

  pull(reference: string): Promise<unknown> {
    return this.#run("pull", "--quiet", "--tls-verify=false", reference);
  }

  removeImage(reference: string): Promise<unknown> {
    return this.#run("rmi", reference);
  }

  async delete(pod: number): Promise<number> {
    const spent = await time(() => this.#run("pod", "rm", "-f", "-t", "0", podName(pod)));
    this.#pods.delete(pod);
    return spent;
  }

  /** conmon, one for each container and one for the infra container. */
  async memory(pods: readonly number[]): Promise<readonly number[]> {
    const processes = listProcesses().filter(({ title }) => title.includes("conmon"));
    const all: number[] = [];
    for (const pod of pods) {
      const ids = (await this.#run("ps", "--no-trunc", "-q", "--filter", `pod=${podName(pod)}`)).trim().split("\n");
      const own = processes.filter(({ title }) => ids.some((id) => title.includes(id)));
      all.push(own.reduce((sum, { pid }) => sum + proportionalMemory(pid), 0));
    }
    return all;
  }

  async close(): Promise<void> {
    for (const pod of [...this.#pods]) await this.delete(pod);
    removeCgroups("libpod_parent");
  }

  #run(...args: string[]): Promise<string> {
    return run("podman", [...this.#globals, ...args], { env: this.#env });
  }
}

const containerName = (pod: number): string => `${podName(pod)}-${CONTAINERS[0]}`;

/** podman raises limits as far as root can elsewhere, and fails where the machine lets nobody raise them: low ones do. */
const CONFIGURATION = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
events_logger = "file"
`;
