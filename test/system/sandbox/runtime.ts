import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Config, loadConfig } from "../../../src/base/config.ts";
import { newUid } from "../../../src/base/ids.ts";
import { addHostAddresses, removeHostAddresses } from "../../../src/daemon/network.ts";
import { type ImageRecord, Images, openRegistries } from "../../../src/image/index.ts";
import { prepareCgroup, removeCgroup } from "../../../src/linux/cgroup/index.ts";
import { spawnMonitor } from "../../../src/linux/monitor/index.ts";
import { Nft } from "../../../src/linux/nftables/index.ts";
import { leaseSpace, type PodNetwork } from "../../../src/net/lease-space.ts";
import { baseRuleset, removeRuleset } from "../../../src/net/ruleset.ts";
import type { MachineFacts } from "../../../src/sandbox/facts.ts";
import { PlanLayerPacker } from "../../../src/sandbox/layer-packer.ts";
import { readMachine } from "../../../src/sandbox/machine.ts";
import type { ContainerRecord, SandboxRecord } from "../../../src/sandbox/records.ts";
import { Runtime } from "../../../src/sandbox/runtime.ts";
import type {
  ContainerConfig,
  ContainerSecurity,
  ContainerStatus,
  ExecRequest,
  RuntimeImage,
  SandboxConfig,
  StreamSession,
} from "../../../src/sandbox/types.ts";
import { type Kept, Store } from "../../../src/store/index.ts";
import { findLeaks, type Traceable } from "../support/leaks.ts";
import { severConnections } from "./support/sever.ts";

const ROOT = join(import.meta.dirname, "../../..");

interface RuntimeKept extends Kept {
  readonly image: ImageRecord;
  readonly network: PodNetwork;
  readonly sandbox: SandboxRecord;
  readonly container: ContainerRecord;
}

/** A runtime of its own on this machine's kernel, without a daemon: state, cgroups, table and links are the test's. */
export interface TestRuntime extends Traceable {
  readonly runtime: Runtime;
  readonly image: RuntimeImage;
  readonly facts: MachineFacts;
  /** The test's folder: state, run state and logs are below it; so may be what it mounts into containers. */
  readonly folder: string;
  /** Makes a layer by hand (see {@link writeFiles}). */
  layer(name: string, files: Readonly<Record<string, string>>): string;
  /** The base image with more layers on top. */
  imageWith(...layers: readonly string[]): RuntimeImage;
  sandbox(change?: Partial<SandboxConfig>): SandboxConfig;
  container(name: string, script: string, change?: Partial<ContainerConfig>): ContainerConfig;
  /** A second runtime on the same state, as after the daemon's death: the first one's connections are closed. */
  restart(): Promise<Runtime>;
  /** Removes what is there, and fails when something of it stays. */
  close(): Promise<void>;
}

export const security: ContainerSecurity = {
  privileged: false,
  readOnlyRootFilesystem: false,
  allowPrivilegeEscalation: true,
  addCapabilities: [],
  dropCapabilities: [],
  supplementalGroups: [],
  seccomp: { type: "RuntimeDefault" },
};

let instances = 0;

/**
 * @param machine what plans are to believe of this machine, where that differs from what it is
 * @param at the first instance that another process has made, to go on with it when that process has ended
 */
export async function startRuntime(
  label: string,
  machine: Partial<MachineFacts> = {},
  at?: { readonly folder: string; readonly pid: number },
): Promise<TestRuntime> {
  // Of this process's own, so that test files can run side by side.
  const { folder, pid } = at ?? { folder: mkdtempSync(join(tmpdir(), `podrun-${label}-`)), pid: process.pid };
  const namespace = `test-${label}-${pid}`;
  const config = loadConfig({
    PODRUN_ROOT: join(folder, "root"),
    PODRUN_RUN: join(folder, "run"),
    PODRUN_LOGS: join(folder, "logs"),
    PODRUN_CGROUP: `/podrun-${label}-${pid}`,
    PODRUN_TABLE: `podrun_${label}_${pid}`,
    PODRUN_LINK_PREFIX: `${label.slice(0, 3)}x${(pid % 36 ** 3).toString(36)}`,
    PODRUN_CIDR4: `10.${16 + ((pid + 7 * instances) % 60)}.0.0/16`,
    PODRUN_CIDR6: `fd78:${(pid % 0xffff).toString(16)}:${instances++}::/112`,
  });
  for (const path of [config.root, config.run, config.logs]) mkdirSync(path, { recursive: true });
  const numbers = leaseSpace(config);
  const store = new Store<RuntimeKept>({ config, numbers });
  const images = new Images({
    root: config.root,
    records: store.images,
    packer: new PlanLayerPacker({ binary: join(ROOT, "dist/podrun-monitor") }),
    registry: openRegistries(),
    embedded: { reference: "podrun.local/base", archive: join(ROOT, "dist/base-image.tar") },
  });
  const image = await images.resolve("podrun.local/base");
  const nft = new Nft();
  await addHostAddresses(config);
  nft.run(baseRuleset(config));
  const facts = { ...(await readMachine(config)), ...machine };
  for (const name of ["", "/burstable", "/besteffort"]) prepareCgroup(facts.cgroups, `${config.cgroup}${name}`);
  const make = (): Runtime =>
    new Runtime({
      facts,
      sandboxes: store.sandboxes,
      containers: store.containers,
      leases: {
        acquire: (uid) => store.leases.acquire(uid),
        release: (uid) => void store.leases.release(uid),
        peek: () => store.leases.preview(1)[0] as PodNetwork,
      },
      nft: (commands) => nft.run(commands),
      spawnMonitor: () => spawnMonitor({ binary: join(ROOT, "build/podrun-monitor-test") }),
      log: { warn: (message, about) => console.error(message, about) },
    });
  let runtime = make();
  const made: TestRuntime = {
    get runtime() {
      return runtime;
    },
    config,
    cgroups: facts.cgroups,
    nft,
    namespace,
    store,
    image,
    facts,
    folder,
    sandbox: (change) => sandboxConfig(config, namespace, change),
    container: (name, script, change) => containerConfig(image, name, script, change),
    async restart() {
      severConnections();
      runtime = make();
      await runtime.recover();
      return runtime;
    },
    layer(name, files) {
      writeFiles(join(image.layersFolder, name), files);
      return name;
    },
    imageWith: (...layers) => ({ ...image, layers: [...image.layers, ...layers] }),
    async close() {
      for (const { id } of runtime.listSandboxes()) await runtime.removeSandbox(id);
      const leaks = await findLeaks(made);
      nft.run(removeRuleset(config.table));
      await removeHostAddresses(config);
      await removeCgroup(facts.cgroups, config.cgroup);
      store.close();
      rmSync(folder, { recursive: true });
      if (leaks.length > 0) throw new Error(`what the test leaves behind:\n${leaks.join("\n")}`);
    },
  };
  return made;
}

/** Paths to contents; a path that ends in `/` is a folder, a content `-> TARGET` a symbolic link. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (text.startsWith("-> ")) symlinkSync(text.slice(3), path);
    else if (!name.endsWith("/")) writeFileSync(path, text);
  }
}

function sandboxConfig(config: Config, namespace: string, change: Partial<SandboxConfig> = {}): SandboxConfig {
  const uid = newUid();
  return {
    metadata: { name: "pod", namespace, uid, attempt: 0 },
    hostname: "pod",
    hosts: (addresses) => `127.0.0.1\tlocalhost\n${addresses.map((address) => `${address}\tpod\n`).join("")}`,
    resolvConf: "nameserver 192.0.2.1\n",
    network: "pod",
    pid: "container",
    ipc: "pod",
    sysctls: {},
    shmBytes: 64 * 1024 * 1024,
    qos: "BestEffort",
    resources: {},
    memoryVolumes: {},
    logDirectory: join(config.logs, `${namespace}_pod_${uid}`),
    ...change,
  };
}

function containerConfig(
  image: RuntimeImage,
  name: string,
  script: string,
  change: Partial<ContainerConfig> = {},
): ContainerConfig {
  return {
    name,
    attempt: 0,
    image,
    command: ["sh", "-c", script],
    env: [],
    mounts: [],
    security,
    resources: {},
    oomScoreAdj: 1000,
    stdin: false,
    stdinOnce: false,
    tty: false,
    ...change,
  };
}

export interface Ended {
  readonly id: string;
  readonly code: number | undefined;
  readonly log: string;
  readonly reason: string | undefined;
  readonly status: ContainerStatus;
}

/** Resolves when the container has exited; call it before it can. */
export function untilExited(runtime: Runtime, id: string): Promise<void> {
  return new Promise((resolve) => {
    runtime.on((event) => {
      if (event.type === "containerExited" && event.container.id === id) resolve();
    });
  });
}

/** Creates, starts, and waits for the end of one container; answers its exit code and its log's text. */
export async function runToEnd(runtime: Runtime, sandboxId: string, container: ContainerConfig): Promise<Ended> {
  const id = await runtime.createContainer(sandboxId, container);
  const ended = untilExited(runtime, id);
  await runtime.startContainer(id);
  await ended;
  const status = runtime.containerStatus(id);
  return { id, code: status.exitCode, reason: status.reason, log: logText(status.logPath), status };
}

/** Creates and starts a container that goes on running. */
export async function startOne(runtime: Runtime, sandboxId: string, container: ContainerConfig): Promise<string> {
  const id = await runtime.createContainer(sandboxId, container);
  await runtime.startContainer(id);
  return id;
}

/** The text of a CRI log: its lines without time, stream and tag. */
export function logText(path: string): string {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => line.split(" ").slice(3).join(" ")).join("\n");
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const request = (command: readonly string[], change: Partial<ExecRequest> = {}): ExecRequest => ({
  command,
  tty: false,
  stdin: false,
  stdout: true,
  stderr: true,
  ...change,
});

/** Runs a command in a container and collects what it says. */
export async function execText(
  runtime: Runtime,
  containerId: string,
  command: readonly string[],
  change: Partial<ExecRequest> = {},
): Promise<Said> {
  return collect(await runtime.exec(containerId, request(command, change)));
}

/** What a session says until its process's end; closes it. */
export async function collect(session: StreamSession): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  session.onStdout = (data) => {
    said.stdout += data;
  };
  session.onStderr = (data) => {
    said.stderr += data;
  };
  const code = await session.exited;
  session.close();
  return { code, ...said };
}
