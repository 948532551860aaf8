// podrun as a contender: its API over the unix socket, and its command line.
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStream } from "../src/api/client-stream.ts";
import { apiSocket } from "../src/base/config.ts";
import { detectCgroups, podCgroup, processFolder } from "../src/linux/cgroup/index.ts";
import { type Contender, now, time } from "./contender.ts";
import { type Instance, type InstanceOptions, startInstance } from "./instance.ts";
import { CONTAINERS, NAMESPACE, podManifest, podName, TRUE } from "./pod.ts";
import { listProcesses, parentOf, proportionalMemory } from "./proc.ts";
import { run } from "./processes.ts";

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

const LONGEST_MS = 30_000;
/** For the daemon to take a connection. */
const SETTLE_MS = 5;

interface WatchedPod {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly containerStatuses?: readonly { readonly state?: { readonly running?: unknown } }[] };
}

interface Operation {
  readonly part: string;
  readonly op: string;
  readonly start: string;
  readonly end: string;
}

export class Podrun implements Contender {
  readonly name: string;
  readonly instance: Instance;
  readonly #program: string;
  readonly #agent: Agent;
  readonly #waiting = new Map<string, () => void>();
  #watch: IncomingMessage | undefined;

  private constructor(name: string, instance: Instance, dist: string) {
    this.name = name;
    this.instance = instance;
    this.#program = join(dist, "podrun.cjs");
    this.#agent = new Agent({ keepAlive: true });
  }

  /** `title`: its name in the results. */
  static async open(title: string, options: InstanceOptions): Promise<Podrun> {
    const podrun = new Podrun(title, await startInstance(options), options.dist);
    await podrun.#startWatch();
    return podrun;
  }

  async start(pod: number, image?: string): Promise<number> {
    const running = this.#until(`running ${podName(pod)}`);
    const begin = await this.#post(JSON.stringify(podManifest(pod, image)));
    await running;
    const execs = (await this.trace(pod)).filter(({ op, part }) => op === "exec" && part !== "sandbox");
    if (execs.length !== CONTAINERS.length) throw new Error(`${podName(pod)}: ${execs.length} execve in its trace`);
    return Math.max(...execs.map(({ start }) => Number(start) / 1e6)) - begin;
  }

  exec(pod: number): Promise<number> {
    return time(async () => {
      const stream = await openStream(this.instance.config, {
        verb: "exec",
        namespace: NAMESPACE,
        pod: podName(pod),
        command: TRUE,
        stdin: false,
        tty: false,
        start: false,
      });
      const code = await stream.exited;
      if (code !== 0) throw new Error(`exec in ${podName(pod)}: exit ${code}`);
    });
  }

  execProcess(pod: number): Promise<number> {
    const { env } = this.instance;
    return time(() => run(this.#program, ["exec", "-n", NAMESPACE, podName(pod), "--", ...TRUE], { env }));
  }

  pull(reference: string): Promise<unknown> {
    return run(this.#program, ["pull", "--quiet", reference], { env: this.instance.env });
  }

  removeImage(reference: string): Promise<unknown> {
    return run(this.#program, ["rmi", reference], { env: this.instance.env });
  }

  async delete(pod: number): Promise<number> {
    const gone = this.#until(`gone ${podName(pod)}`);
    return time(async () => {
      await this.#json("DELETE", `${PODS}/${podName(pod)}?gracePeriodSeconds=0`);
      await gone;
    });
  }

  /** The monitor is the parent of a container's process, and pause is the monitor's child. */
  async memory(pods: readonly number[]): Promise<readonly number[]> {
    const all: number[] = [];
    for (const pod of pods) {
      const [container] = await this.#processes(pod);
      const monitor = container === undefined ? 0 : parentOf(container);
      const pause = listProcesses().find(({ pid, title }) => title.startsWith("pause ") && parentOf(pid) === monitor);
      if (monitor === 0 || !pause) throw new Error(`${podName(pod)}: its monitor and pause are not found in /proc`);
      all.push(proportionalMemory(monitor) + proportionalMemory(pause.pid));
    }
    return all;
  }

  async #processes(pod: number): Promise<readonly number[]> {
    const { metadata } = (await this.#json("GET", `${PODS}/${podName(pod)}`)) as { metadata: { uid: string } };
    const cgroup = podCgroup(this.instance.config.cgroup, "Burstable", metadata.uid);
    const folder = processFolder(detectCgroups(), cgroup);
    return globSync(join(folder, "*", "cgroup.procs")).flatMap((path) =>
      readFileSync(path, "utf8").trim().split("\n").map(Number),
    );
  }

  /** The timeline of the pod's last start. */
  async trace(pod: number): Promise<readonly Operation[]> {
    const path = `/podrun/v1/namespaces/${NAMESPACE}/pods/${podName(pod)}/trace`;
    return ((await this.#json("GET", path)) as { operations: readonly Operation[] }).operations;
  }

  async close(): Promise<void> {
    this.#watch?.destroy();
    this.#agent.destroy();
    await this.instance.close();
  }

  /** Resolves at the watch's event. A pod that fails would never come to it: rejects after a while. */
  #until(event: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => this.#giveUp(event).catch(reject), LONGEST_MS);
      this.#waiting.set(event, () => {
        clearTimeout(limit);
        resolve();
      });
    });
  }

  /** Says how the pod stands when what was waited for does not come. */
  async #giveUp(event: string): Promise<never> {
    const pod = await this.#json("GET", `${PODS}/${event.split(" ")[1]}`).catch(String);
    const status = typeof pod === "string" ? pod : JSON.stringify((pod as WatchedPod).status);
    throw new Error(`no "${event}" within ${LONGEST_MS / 1000} s: ${status}`);
  }

  #told(event: string): void {
    this.#waiting.get(event)?.();
    this.#waiting.delete(event);
  }

  async #startWatch(): Promise<void> {
    const response = await this.#send("GET", `${PODS}?watch=1`);
    this.#watch = response;
    let text = "";
    response.on("error", () => undefined);
    response.on("data", (data) => {
      text += data;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.#onEvent(JSON.parse(line));
    });
  }

  #onEvent({ type, object }: { type: string; object: WatchedPod }): void {
    const { name } = object.metadata;
    if (type === "DELETED") this.#told(`gone ${name}`);
    const statuses = object.status?.containerStatuses ?? [];
    if (statuses.length === CONTAINERS.length && statuses.every(({ state }) => state?.running))
      this.#told(`running ${name}`);
  }

  async #json(method: string, path: string, body?: string): Promise<unknown> {
    const response = await this.#send(method, path, body);
    let text = "";
    for await (const chunk of response) text += chunk;
    if ((response.statusCode ?? 500) < 300) return JSON.parse(text);
    throw new Error(`${method} ${path}: ${response.statusCode} ${(JSON.parse(text) as { message?: string }).message}`);
  }

  /**
   * Creates a pod over a connection that stands; answers the moment at which the request went out. What an HTTP client needs
   * to put it together (0.5 ms in Node) is not the daemon's.
   */
  async #post(body: string): Promise<number> {
    const socket = createConnection(apiSocket(this.instance.config));
    await once(socket, "connect");
    const head = `POST ${PODS} HTTP/1.1\r\nhost: podrun\r\nconnection: close\r\ncontent-type: application/json\r\n`;
    const request = Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    await delay(SETTLE_MS);
    const begin = now();
    socket.write(request);
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    if (!answer.startsWith("HTTP/1.1 201")) throw new Error(`POST ${PODS}: ${answer}`);
    return begin;
  }

  #send(method: string, path: string, body?: string): Promise<IncomingMessage> {
    const socketPath = apiSocket(this.instance.config);
    const headers =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath, agent: this.#agent, method, path, headers }, resolve);
      request.on("error", reject);
      request.end(body);
    });
  }
}
