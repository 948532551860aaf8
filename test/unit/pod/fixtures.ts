import { Logger } from "../../../src/base/logger.ts";
import type { ClaimSource } from "../../../src/pod/claims/claim-source.ts";
import { EventRecorder } from "../../../src/pod/events.ts";
import { NodePressure } from "../../../src/pod/eviction/index.ts";
import type { Node, NodeResources, Timers } from "../../../src/pod/node.ts";
import { type PodStore, Pods } from "../../../src/pod/pods.ts";
import { Turns } from "../../../src/pod/turns.ts";
import type { KeptObject, PodWatchEvent } from "../../../src/pod/types.ts";
import type { RuntimeImage } from "../../../src/sandbox/types.ts";
import { decodePod, type Pod } from "../../../src/spec/index.ts";
import { FakeImages } from "./fake-images.ts";
import { FakeRuntime } from "./fake-runtime.ts";

/** A decoded pod of one container `web`; parts of the spec may be given. */
export function makePod(spec: object = {}, metadata: object = {}): Pod {
  const containers = [{ name: "web", image: "podrun.local/base" }];
  return decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hello", ...metadata },
    spec: { containers, ...spec },
  });
}

export const IMAGE: RuntimeImage = {
  id: "sha256:1",
  reference: "podrun.local/base:latest",
  config: {
    user: "",
    env: [],
    entrypoint: [],
    cmd: ["sh"],
    workingDir: "",
    volumes: [],
    stopSignal: "",
    labels: {},
    exposedPorts: [],
    architecture: "amd64",
    os: "linux",
  },
  layersFolder: "/layers",
  layers: ["a"],
  passwd: "",
  group: "",
};

/** Timers that fire when a test advances them. */
export class ManualTimers implements Timers {
  #now = Date.parse("2026-01-01T00:00:00Z");
  /** By so many milliseconds somebody has set the wall clock, since. */
  jumped = 0;
  readonly #pending = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.jumped;
  }

  after(millis: number, callback: () => void): () => void {
    const entry = { at: this.#now + millis, callback };
    this.#pending.add(entry);
    return () => this.#pending.delete(entry);
  }

  /** Lets time pass, timer by timer; what each sets off is done before the next one fires. */
  async advance(millis: number): Promise<void> {
    const end = this.#now + millis;
    for (;;) {
      await settle();
      const next = [...this.#pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
    await settle();
  }
}

/** Waits until everything that can go on has gone on: file system calls come back between turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for what goes through the file system's threads; a test that waits in vain ends at the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A store in memory that counts its writes. */
export class MemoryStore implements PodStore {
  readonly objects = new Map<string, string>();
  readonly flush = async (): Promise<void> => undefined;
  writes = 0;

  // biome-ignore lint/suspicious/noExplicitAny: the store's own signatures are generic
  put = (object: any): any => {
    this.writes++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.writes) } };
    this.objects.set(`${object.metadata.namespace}/${object.metadata.name}`, JSON.stringify(stored));
    return stored;
  };

  // biome-ignore lint/suspicious/noExplicitAny: the store's own signatures are generic
  list = (): any => [...this.objects.values()].map((text) => JSON.parse(text));

  // biome-ignore lint/suspicious/noExplicitAny: the store's own signatures are generic
  delete = (_kind: string, namespace: string, name: string): any => {
    const key = `${namespace}/${name}`;
    const text = this.objects.get(key);
    this.objects.delete(key);
    return text && JSON.parse(text);
  };
}

/** Pods without claims. */
export const NO_CLAIMS: ClaimSource = {
  whyWaiting: () => undefined,
  prepare: () => undefined,
  volumeOf: () => undefined,
};

export interface World {
  readonly runtime: FakeRuntime;
  readonly timers: ManualTimers;
  readonly store: MemoryStore;
  readonly images: Map<string, RuntimeImage>;
  readonly service: FakeImages;
  /** By `KIND/NAMESPACE/NAME`. */
  readonly objects: Map<string, KeptObject>;
  readonly seen: PodWatchEvent[];
  readonly log: string[];
  readonly node: Node;
  readonly pods: Pods;
  /** A second daemon on the same store and kernel. */
  reborn(): Pods;
}

/** Two CPUs, 8 GiB and room for 110 pods. */
export const CAPACITY: NodeResources = {
  cpu: 2000,
  memory: 2 ** 33,
  "ephemeral-storage": 2 ** 36,
  "hugepages-1Gi": 0,
  "hugepages-2Mi": 0,
  pods: 110,
};

/** The pod layer on fakes; `root` is a folder of the test's own. */
export function makeWorld(root: string): World {
  const runtime = new FakeRuntime();
  const timers = new ManualTimers();
  runtime.now = () => timers.wall();
  const store = new MemoryStore();
  const images = new Map([["podrun.local/base", IMAGE]]);
  const service = new FakeImages(images);
  const objects = new Map<string, KeptObject>();
  const log: string[] = [];
  const node: Node = {
    config: {
      root,
      run: `${root}/run`,
      userIds: "65536-2147483647",
      logs: `${root}/logs`,
      manifests: `${root}/manifests`,
      cgroup: "/test",
      table: "test",
      linkPrefix: "t",
      cidr4: "10.77.0.0/16",
      cidr6: "fd77::/64",
    },
    runtime,
    images: service,
    objects: {
      // Every namespace exists, unless a test says otherwise.
      find: (kind, namespace, name) =>
        (objects.get(`${kind}/${namespace}/${name}`) ??
          (kind === "Namespace" ? { kind, metadata: { name }, status: { phase: "Active" } } : undefined)) as never,
      list: (kind) => [...objects.values()].filter((one) => one.kind === kind) as never,
    },
    claims: NO_CLAIMS,
    events: new EventRecorder({ host: "node", now: () => timers.now() }),
    log: new Logger({ write: (line) => log.push(line) }),
    timers,
    // Everything is done at once: time that tests take is not to change their order.
    turns: new Turns(Number.POSITIVE_INFINITY, () => 1),
    facts: {
      name: "node",
      labels: { "kubernetes.io/hostname": "node", disk: "ssd", cores: "8" },
      taints: [],
      addresses: ["192.0.2.1"],
      cpus: 2,
      memoryBytes: 2 ** 33,
      capacity: CAPACITY,
      allocatable: CAPACITY,
      hostsFile: () => "127.0.0.1 localhost\n",
      hasSeLinux: false,
      resolver: () => ({ nameservers: ["192.0.2.53"], searches: [], options: [] }),
    },
    settings: {
      restartBackoff: { initialMillis: 10_000, maxMillis: 300_000 },
      imagePullBackoff: { initialMillis: 10_000, maxMillis: 300_000 },
      clusterDomain: "cluster.test",
      eviction: { periodMillis: 10_000, thresholds: [], transitionMillis: 300_000, maxPodGraceSeconds: 0 },
    },
    pressure: new NodePressure("2026-01-01T00:00:00Z"),
    meter: { measure: async () => undefined },
  };
  const pods = new Pods(node, store);
  const seen: PodWatchEvent[] = [];
  pods.watch((event) => seen.push(event));
  return {
    runtime,
    timers,
    store,
    images,
    service,
    objects,
    seen,
    log,
    node,
    pods,
    reborn: () => new Pods(node, store),
  };
}
