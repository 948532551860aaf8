// What benchmarks of many pods stand on: an instance whose event loop is watched, and requests of one kind after another.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { apiSocket } from "../src/base/config.ts";
import { type Instance, startInstance } from "./instance.ts";
import { NAMESPACE } from "./pod.ts";

export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** The daemon since it was last asked: delays of its event loop in milliseconds, its CPU time against the wall's. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly cores: number;
  readonly rssMegabytes: number;
}

export interface LoadOptions {
  readonly name: string;
  readonly work: string;
  readonly dist: string;
  readonly network: number;
  readonly profile?: string | undefined;
  readonly pods: number;
  /** Says how it goes. */
  readonly say: (text: string) => void;
  /** Told of what is to be closed, also when the measurement is interrupted. */
  readonly onOpen: (load: Load) => void;
}

export class Load {
  readonly instance: Instance;
  /** A connection a request: one that is kept may be closed by the daemon this moment. */
  readonly #agent = new Agent({ keepAlive: false, maxSockets: 16 });
  readonly #delayFile: string;
  #closed: Promise<void> | undefined;

  private constructor(instance: Instance, delayFile: string) {
    this.instance = instance;
    this.#delayFile = delayFile;
  }

  static async open(options: LoadOptions): Promise<Load> {
    const delayFile = join(options.work, "loop-delay.json");
    const preload = join(import.meta.dirname, "loop-delay.cjs");
    // A profile of each phase; the daemon leaves without writing one of its whole life.
    const { profile, ...rest } = options;
    const env = { BENCH_LOOP_DELAY: delayFile, ...(profile && { BENCH_PROFILE: profile }) };
    const load = new Load(await startInstance({ ...rest, preload, env }), delayFile);
    options.onOpen(load);
    return load;
  }

  /** What the event loop was like since the last call. */
  async loopDelay(): Promise<LoopDelay> {
    rmSync(this.#delayFile, { force: true });
    process.kill(this.instance.daemonPid, "SIGUSR2");
    while (!existsSync(this.#delayFile)) await delay(5);
    return JSON.parse(readFileSync(this.#delayFile, "utf8")) as LoopDelay;
  }

  /** Sixteen requests at a time at most. Throws for an answer that is an error. */
  send(method: string, path: string, body?: object): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const headers = method === "PATCH" ? { "content-type": "application/strategic-merge-patch+json" } : {};
    const options = { socketPath: apiSocket(this.instance.config), agent: this.#agent, method, path, headers };
    const sent = request(options, async (response) => {
      const text = (await response.setEncoding("utf8").toArray()).join("");
      if ((response.statusCode ?? 500) < 300) resolve(JSON.parse(text));
      else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
    return promise;
  }

  /** Makes pods out of manifests, as fast as the API takes them. */
  async create(manifests: readonly object[]): Promise<void> {
    await Promise.all(manifests.map((manifest) => this.send("POST", PODS, manifest)));
  }

  async deleteAll(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.send("DELETE", `${PODS}/${name}?gracePeriodSeconds=0`)));
    await this.until((pods) => pods.length === 0);
  }

  async pods(): Promise<readonly LoadPod[]> {
    return ((await this.send("GET", PODS)) as { items: readonly LoadPod[] }).items;
  }

  async until(condition: (pods: readonly LoadPod[]) => boolean, millis = 300_000): Promise<void> {
    const end = performance.now() + millis;
    while (!condition(await this.pods())) {
      if (performance.now() > end) throw new Error(`the pods did not come to where they were to within ${millis} ms`);
      await delay(500);
    }
  }

  /** Lists pods again and again from a thread of its own, with a pause between; stopped, it gives the times. */
  sample(pauseMillis: number): { stop(): Promise<readonly number[]> } {
    const workerData = { socketPath: apiSocket(this.instance.config), path: PODS, pauseMillis };
    const worker = new Worker(join(import.meta.dirname, "sampler.ts"), { workerData });
    const samples = new Promise<readonly number[]>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    // Told by `stop`; until then the benchmark fails by what it does itself.
    samples.catch(() => undefined);
    return {
      stop: () => {
        worker.postMessage("stop");
        return samples;
      },
    };
  }

  close(): Promise<void> {
    this.#agent.destroy();
    this.#closed ??= this.instance.close();
    return this.#closed;
  }
}

export interface LoadPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly resources?: { readonly limits?: Readonly<Record<string, string>> };
      readonly state: Readonly<Record<string, { readonly reason?: string } | undefined>>;
    }[];
  };
}
