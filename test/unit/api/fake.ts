// A pod layer in memory, and a server on a socket of its own, for the tests of the API and of the command line.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { Test } from "tap";
import { ApiClient } from "../../../src/api/client.ts";
import { createApiServer } from "../../../src/api/server.ts";
import { type Config, loadConfig } from "../../../src/base/config.ts";
import { PodrunError } from "../../../src/base/errors.ts";
import { KeptObjects } from "../../../src/pod/objects.ts";
import type {
  CopySession,
  EventChange,
  ExecRequest,
  KubeEvent,
  LogFile,
  NodeUsage,
  PlannedOperation,
  PlanSources,
  PodService,
  PodUsage,
  PodWatchEvent,
  StreamSession,
  TracedOperation,
} from "../../../src/pod/types.ts";
import { decodePod, type FieldSet, recordApplied } from "../../../src/spec/index.ts";
import type { Pod, PodCondition } from "../../../src/spec/pod.ts";
import { Database } from "../../../src/store/database.ts";
import { Objects } from "../../../src/store/objects.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { FakeImages, FakeLogins } from "./fake-images.ts";
import { FakeNode } from "./fake-node.ts";
import { FakeSession } from "./fake-session.ts";

export { FakeSession };

import { FakeSystem } from "./fake-system.ts";

/** What a test's command does: by its first word. */
export type Program = (session: FakeSession, request: ExecRequest) => void;

export class FakePods implements PodService {
  readonly pods = new Map<string, Pod>();
  readonly programs: Record<string, Program> = {};
  /** What a process's start takes. */
  starting: Promise<void> = Promise.resolve();
  readonly requests: { container: string | undefined; request: ExecRequest }[] = [];
  readonly kubeEvents: KubeEvent[] = [];
  readonly deletions: (number | undefined)[] = [];
  /** Deleted pods stay until a test calls `finishDelete`. */
  holdDeletes = false;
  logs: LogFile | undefined;
  planned: { pods: readonly Pod[]; sources: PlanSources | undefined } | undefined;
  operations: readonly PlannedOperation[] = [];
  traced: readonly TracedOperation[] = [];
  readonly #eventWatchers = new Set<(change: EventChange) => void>();
  /** How often the pods of one namespace have been listed. */
  lists = 0;
  #version = 0;
  readonly evictions: object[] = [];
  readonly #watchers = new Set<(event: PodWatchEvent) => void>();

  async create(pod: Pod, options: { dryRun?: boolean } = {}): Promise<Pod> {
    const { namespace, name } = pod.metadata;
    if (this.pods.has(`${namespace}/${name}`)) throw new PodrunError("AlreadyExists", `pods "${name}" already exists`);
    const created = { ...pod, metadata: { ...pod.metadata, uid: `uid-${name}-${this.#version + 1}` } };
    return options.dryRun === true ? created : this.put(created, "ADDED");
  }

  async replace(pod: Pod, options: { readonly dryRun?: boolean; readonly applied?: FieldSet } = {}): Promise<Pod> {
    const before = this.get(pod.metadata.namespace, pod.metadata.name);
    const { labels, annotations, resourceVersion: version } = pod.metadata;
    if (version !== "" && version !== before.metadata.resourceVersion)
      throw new PodrunError("Conflict", `pod "${pod.metadata.name}" has been changed since it was read`);
    const managed = options.applied && { managedFields: recordApplied(options.applied) };
    const after = { ...before, spec: pod.spec, metadata: { ...before.metadata, labels, annotations, ...managed } };
    if (options.dryRun) return after;
    return JSON.stringify(before) === JSON.stringify(after) ? before : this.put(after, "MODIFIED");
  }

  setConditions(namespace: string, name: string, conditions: readonly PodCondition[]): Pod {
    const pod = this.get(namespace, name);
    pod.status.conditions = [...conditions];
    return pod;
  }

  get(namespace: string, name: string): Pod {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (pod === undefined) throw new PodrunError("NotFound", `pods "${name}" not found`, { details: { name } });
    return pod;
  }

  list(filter: { namespace?: string; labels?: (labels: Record<string, string>) => boolean } = {}): readonly Pod[] {
    if (filter.namespace !== undefined) this.lists++;
    return [...this.pods.values()].filter(
      (pod) => filter.namespace === undefined || pod.metadata.namespace === filter.namespace,
    );
  }

  requestEviction(
    namespace: string,
    name: string,
    { dryRun = false, ...options }: { gracePeriodSeconds?: number; dryRun?: boolean } = {},
  ): Promise<Pod> {
    this.evictions.push({ name, dryRun, ...options });
    return dryRun ? Promise.resolve(this.get(namespace, name)) : this.delete(namespace, name, options);
  }

  async delete(namespace: string, name: string, options: { gracePeriodSeconds?: number } = {}): Promise<Pod> {
    const pod = this.get(namespace, name);
    this.deletions.push(options.gracePeriodSeconds);
    const marked = this.put(
      { ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-11-21T08:00:00Z" } },
      "MODIFIED",
    );
    if (!this.holdDeletes) setImmediate(() => this.finishDelete(namespace, name));
    return marked;
  }

  finishDelete(namespace: string, name: string): void {
    const pod = this.get(namespace, name);
    this.pods.delete(`${namespace}/${name}`);
    this.#emit({ type: "DELETED", object: this.#versioned(pod) });
  }

  watch(listener: (event: PodWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  watchEvents(listener: (change: EventChange) => void): () => void {
    this.#eventWatchers.add(listener);
    return () => this.#eventWatchers.delete(listener);
  }

  /** Something happens, for the first time or again. */
  happen(object: KubeEvent, type: EventChange["type"] = "ADDED"): void {
    if (type === "ADDED") this.kubeEvents.push(object);
    for (const watcher of this.#eventWatchers) watcher({ type, object });
  }

  events(filter: { namespace?: string; involvedName?: string } = {}): readonly KubeEvent[] {
    return this.kubeEvents.filter(
      (event) => filter.involvedName === undefined || event.involvedObject.name === filter.involvedName,
    );
  }

  async exec(
    namespace: string,
    name: string,
    container: string | undefined,
    request: ExecRequest,
  ): Promise<StreamSession> {
    this.get(namespace, name);
    this.requests.push({ container, request });
    await this.starting;
    const program = this.programs[request.command[0] ?? ""];
    if (program === undefined)
      throw new PodrunError("CommandNotFound", `container "${container}": no command "${request.command[0]}"`);
    const session = new FakeSession();
    setImmediate(() => program(session, request));
    return session;
  }

  async attach(
    namespace: string,
    name: string,
    container: string | undefined,
    options: { stdin: boolean; tty: boolean },
  ): Promise<StreamSession> {
    const request = { command: ["attach"], stdout: true, stderr: !options.tty, ...options };
    return this.exec(namespace, name, container, request);
  }

  /** What `usage` answers, one after the other; the last again and again. */
  usages: (readonly PodUsage[])[] = [[]];
  nodeUsages: NodeUsage[] = [];

  usage(): readonly PodUsage[] {
    return (this.usages.length > 1 ? this.usages.shift() : this.usages[0]) ?? [];
  }

  nodeUsage(): NodeUsage {
    const [first] = this.nodeUsages;
    if (this.nodeUsages.length > 1) this.nodeUsages.shift();
    if (first === undefined) throw new Error("no usage");
    return first;
  }

  async copy(): Promise<CopySession> {
    throw new Error("not in the fake");
  }

  /** The program `port:80` stands for what listens there. */
  async portForward(namespace: string, name: string, port: number): Promise<StreamSession> {
    this.get(namespace, name);
    const program = this.programs[`port:${port}`];
    if (program === undefined) throw new PodrunError("OperationFailed", `nothing listens on port ${port}`);
    const session = new FakeSession();
    setImmediate(() => program(session, { command: [], tty: false, stdin: true, stdout: true, stderr: false }));
    return session;
  }

  logFile(namespace: string, name: string, container: string | undefined): LogFile {
    this.get(namespace, name);
    if (this.logs === undefined) throw new PodrunError("NotFound", `container "${container}" has no log`);
    return this.logs;
  }

  async plan(pods: readonly Pod[], sources?: PlanSources): Promise<readonly PlannedOperation[]> {
    this.planned = { pods, sources };
    return this.operations;
  }

  trace(namespace: string, name: string): readonly TracedOperation[] {
    this.get(namespace, name);
    return this.traced;
  }

  /** Stores a pod as a change. */
  put(pod: Pod, type: PodWatchEvent["type"] = "MODIFIED"): Pod {
    const stored = this.#versioned(pod);
    this.pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, stored);
    this.#emit({ type, object: stored });
    return stored;
  }

  #versioned(pod: Pod): Pod {
    this.#version++;
    return { ...pod, metadata: { ...pod.metadata, resourceVersion: String(this.#version) } };
  }

  #emit(event: PodWatchEvent): void {
    for (const listener of [...this.#watchers]) listener(event);
  }
}

/** A decoded pod with one container a name. */
export function makePod(name: string, containers: readonly string[] = ["main"], namespace = "default"): Pod {
  return decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: { containers: containers.map((container) => ({ name: container, image: "podrun.local/base" })) },
  });
}

/** A pod whose containers run. */
export function runningPod(name: string, containers: readonly string[] = ["main"], namespace = "default"): Pod {
  const pod = makePod(name, containers, namespace);
  pod.metadata.uid = `uid-${name}`;
  pod.metadata.creationTimestamp = new Date(Date.now() - 5000).toISOString();
  pod.status = {
    phase: "Running",
    podIP: "10.77.0.2",
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: containers.map((container) => ({
      name: container,
      image: "podrun.local/base",
      imageID: "sha256:0",
      containerID: "podrun://0",
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: pod.metadata.creationTimestamp } },
      lastState: {},
    })),
  };
  return pod;
}

export interface FakeDaemon {
  readonly pods: FakePods;
  readonly objects: KeptObjects;
  readonly node: FakeNode;
  readonly system: FakeSystem;
  readonly images: FakeImages;
  readonly logins: FakeLogins;
  readonly config: Config;
  readonly client: ApiClient;
  readonly folder: string;
  /** Breaks every connection, as a daemon's death does; the next one is served. */
  breakConnections(): void;
  close(): Promise<void>;
}

/** A server on a socket of its own; gone at the test's end. */
export async function startFake(t: Test): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-api-"));
  const run = join(folder, "run");
  mkdirSync(run, { mode: 0o700 });
  const config = { ...loadConfig({}), root: join(folder, "root"), run, logs: join(folder, "logs") };
  const pods = new FakePods();
  const system = new FakeSystem();
  const images = new FakeImages();
  const logins = new FakeLogins();
  const node = new FakeNode();
  const database = new Database(join(folder, "objects.db"), "normal", STATE_MIGRATIONS);
  const objects = new KeptObjects(new Objects(database, database));
  const api = createApiServer({ pods, objects, system, images, logins, node, version: "0.0.1" });
  await new Promise<void>((resolve) => api.server.listen(join(run, "podrun.sock"), resolve));
  chmodSync(join(run, "podrun.sock"), 0o600);
  const breakConnections = (): void => api.server.closeAllConnections();
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await api.close();
    database.close();
  };
  t.teardown(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    pods,
    images,
    logins,
    objects,
    node,
    system,
    config,
    client: new ApiClient(config, { start: false }),
    folder,
    close,
    breakConnections,
  };
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

let program: string | undefined;

/** The command line as one file, made once a test file: Node takes 0.4 s to run the sources as they are. */
export function bundleProgram(): string {
  if (program !== undefined) return program;
  const folder = mkdtempSync(join(tmpdir(), "podrun-cli-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  program = join(folder, "podrun.cjs");
  buildSync({
    entryPoints: [join(import.meta.dirname, "../../../src/cli/main.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
  });
  return program;
}

/** Of commands against the fake. One that finds no daemon fails instead of starting a real one. */
export const commandEnvironment = ({ config }: Pick<FakeDaemon, "config">): NodeJS.ProcessEnv => ({
  ...process.env,
  PODRUN_ROOT: config.root,
  PODRUN_RUN: config.run,
  PODRUN_LOGS: config.logs,
  PODRUN_DAEMON: join(config.run, "no-daemon.cjs"),
});

/** Runs `podrun ARGV` as a process of its own against the fake; `onChild` may type into it or signal it. */
export function runCommand(
  daemon: Pick<FakeDaemon, "config">,
  argv: readonly string[],
  options: {
    input?: string | Buffer;
    onChild?: (child: ReturnType<typeof spawn>) => void;
    env?: NodeJS.ProcessEnv;
  } = {},
): Promise<CommandResult> {
  const env = { ...commandEnvironment(daemon), ...options.env };
  const child = spawn(process.execPath, [bundleProgram(), ...argv], { env, stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  options.onChild?.(child);
  if (options.onChild === undefined || options.input !== undefined) child.stdin.end(options.input ?? "");
  return new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr })));
}
