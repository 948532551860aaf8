// The runtime's terms, which are CRI's: a sandbox is what a pod's containers share, a container runs in one sandbox.
// `pod/` and `cri/` are two front ends on this one core, so nothing here knows restart policies, probes or volumes' kinds.
import type { RuntimeImage } from "../image/types.ts";
import type { MemoryUsage } from "../linux/cgroup/index.ts";
import type { SeLinuxOptions } from "../linux/selinux.ts";
import type { PortMapping } from "../net/host-ports.ts";
import type { ResizeRequest, Resources } from "./resources.ts";
import type { UserRange } from "./user-ranges.ts";

export type { PortMapping, ResizeRequest, Resources, RuntimeImage, SeLinuxOptions, UserRange };

/** Which namespace a sandbox's containers use (CRI NamespaceMode). `container`: each its own (PID only). */
export type NamespaceMode = "pod" | "container" | "node";

export interface SandboxMetadata {
  readonly name: string;
  readonly namespace: string;
  /** The pod's uid; also the sandbox's folder name. */
  readonly uid: string;
  readonly attempt: number;
}

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

export interface SandboxConfig {
  readonly metadata: SandboxMetadata;
  readonly hostname: string;
  /** Text of the files mounted at /etc/hosts and /etc/resolv.conf; `{podIP}`-like placeholders do not exist: `hosts` gets the addresses. */
  readonly hosts: (addresses: readonly string[]) => string;
  readonly resolvConf: string;
  readonly network: "pod" | "node";
  /** Ports of the host that lead into the pod (CRI PodSandboxConfig.port_mappings); without effect for network "node". */
  readonly ports?: readonly PortMapping[];
  readonly pid: NamespaceMode;
  readonly ipc: "pod" | "node";
  /** `pod`: a user namespace of its own (CRI userns_options), which owns the others. Default: the host's. */
  readonly users?: "pod" | "node";
  /** With users "pod": folders and files of the host that its containers will mount; whether that can be is tried first. */
  readonly mapped?: readonly { readonly path: string; readonly volume?: string }[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** The pod's own; its level is that of all its containers that have none. */
  readonly seLinux?: SeLinuxOptions;
  /** Size of /dev/shm in bytes. Kubernetes has no field for it; containerd and podman give 64 MiB. */
  readonly shmBytes: number;
  readonly qos: QosClass;
  /** Sum over the pod's containers, for the pod's own cgroup. */
  readonly resources: Resources;
  /** Volumes that live in the pod's own mount namespace (emptyDir with a medium, and those whose content podrun writes), by name. */
  readonly memoryVolumes: Readonly<Record<string, MemoryVolume>>;
  readonly logDirectory: string;
  /** Where each setting came from, for `podrun plan`: field → "pod.yaml:7 spec.hostNetwork" or "default". */
  readonly why?: Readonly<Record<string, string>>;
}

export interface MemoryVolume {
  /** Undefined: no limit. */
  readonly sizeBytes?: number;
  /** Of huge pages of this size: a mount of hugetlbfs instead of tmpfs. */
  readonly pageBytes?: number;
  /** Of its root folder; default 0777. */
  readonly mode?: number;
  /** Of its root folder; default 0. */
  readonly gid?: number;
  /** Of the container whose files they are; default: the pod's. */
  readonly seLinux?: SeLinuxOptions;
}

/** One file of a volume's content. */
export interface VolumeFile {
  /** Relative, without "." and ".." in it; no other path of the tree goes on below it. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
}

/** What a volume holds, whole. */
export interface VolumeTree {
  readonly files: readonly VolumeFile[];
  /** Group of every file and folder, who may read them then (PodSecurityContext.fsGroup). */
  readonly gid?: number;
}

/** What containers must know of their sandbox; a sandbox's record holds it too, so that it outlives the daemon. */
export interface SandboxShape extends Pick<SandboxConfig, "network" | "pid" | "ipc" | "qos" | "hostname" | "why"> {
  /** Its ids outside; absent: it has no user namespace of its own. */
  readonly userRange?: UserRange;
  /** SELinux level of its containers; absent: the machine has none. */
  readonly seLinuxLevel?: string;
}

export type MountSource =
  | { readonly kind: "host"; readonly path: string }
  /** A folder of the container's own root, as the image has it (its VOLUMEs); the runtime's own, not for callers. */
  | { readonly kind: "image" }
  /** One of the sandbox's `memoryVolumes`. */
  | { readonly kind: "memory"; readonly volume: string }
  /** What an image holds, read-only. */
  | { readonly kind: "layers"; readonly image: RuntimeImage }
  /** A file or folder in the pod's own mount namespace (hosts, resolv.conf, shm); the runtime's own, not for callers. */
  | { readonly kind: "pod"; readonly path: string };

export interface ContainerMount {
  readonly source: MountSource;
  /** Absolute path in the container; attacker-controlled, resolved inside the root. */
  readonly target: string;
  readonly readOnly: boolean;
  /**
   * The part of the source that is mounted, resolved inside it, whatever links are there; what is missing is made as folders
   * of this mode.
   */
  readonly subPath?: { readonly path: string; readonly mode: number };
  /** With readOnly: what is mounted below it, too. Default: the mount itself alone. */
  readonly recursiveReadOnly?: boolean;
  /** Where the machine has SELinux, all that is in the source gets the container's label first (CRI Mount.selinux_relabel). */
  readonly relabel?: boolean;
  /** Of a host's mount: `slave` gets what the host mounts there later, `shared` gives as well. Default: neither. */
  readonly propagation?: "slave" | "shared";
  readonly why?: string;
}

export type SeccompSetting =
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Unconfined" }
  /** Path of the profile file on the host. */
  | { readonly type: "Localhost"; readonly path: string };

/** CRI SecurityProfile; `profile`: the name of one that is loaded. */
export type AppArmorSetting =
  | { readonly type: "RuntimeDefault" }
  | { readonly type: "Unconfined" }
  | { readonly type: "Localhost"; readonly profile: string };

export interface ContainerSecurity {
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly allowPrivilegeEscalation: boolean;
  /** Nothing of /proc and /sys is hidden or read-only on purpose (SecurityContext.procMount Unmasked). */
  readonly unmasked?: boolean;
  /** Names without CAP_, `ALL` allowed. */
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  /** A uid; else the image's user (a name or number) is looked up in the image's passwd record. */
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly supplementalGroups: readonly number[];
  /** Whether the groups that the image's group file gives the user are left out (CRI SupplementalGroupsPolicy Strict). */
  readonly strictGroups?: boolean;
  readonly seccomp: SeccompSetting;
  /** Not given: the default one where the machine has AppArmor, none for privileged containers. */
  readonly appArmor?: AppArmorSetting;
  /** Not given: the default label where the machine has SELinux, unconfined for privileged containers. */
  readonly seLinux?: SeLinuxOptions;
}

export interface ContainerConfig {
  readonly name: string;
  readonly attempt: number;
  /** An image that is here already: the sandbox layer does not pull. */
  readonly image: RuntimeImage;
  /** Kubernetes `command` and `args`; the image's Entrypoint and Cmd stand in as the Kubernetes documentation says. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** After expansion, in order; the image's Env comes before. */
  readonly env: readonly (readonly [name: string, value: string])[];
  readonly workingDir?: string;
  readonly mounts: readonly ContainerMount[];
  readonly security: ContainerSecurity;
  readonly resources: Resources;
  /** -1000 … 1000. */
  readonly oomScoreAdj: number;
  /** Id of the running container whose process namespace it joins; the sandbox's `pid` is "container". */
  readonly pidTarget?: string;
  /** Asks it to end, instead of the image's StopSignal (Lifecycle.stopSignal). */
  readonly stopSignal?: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  /** Host path of the file mounted at terminationMessagePath, and that path; absent: none. */
  readonly terminationMessage?: { readonly path: string };
  readonly why?: Readonly<Record<string, string>>;
}

export type SandboxState = "creating" | "ready" | "notready" | "removing";
export type ContainerState = "created" | "starting" | "running" | "exited" | "removing";

export interface SandboxStatus {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: SandboxState;
  readonly createdAt: string;
  /** The pod's addresses, IPv4 first; the host's for network "node". */
  readonly addresses: readonly string[];
  readonly pausePid: number;
  /** In force; undefined: not known, or being changed by whoever was killed at it. */
  readonly resources?: Resources;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  readonly imageId: string;
  readonly imageReference: string;
  /** Images that are mounted in it besides. */
  readonly volumeImageIds?: readonly string[];
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly pid?: number;
  /** 0–255; 128+signal when a signal ended it; 255 with reason Unknown when the monitor was lost. */
  readonly exitCode?: number;
  readonly signal?: number;
  /** CRI's and the kubelet's words: Completed, Error, OOMKilled, StartError, ContainerStatusUnknown. */
  readonly reason?: string;
  /** The termination message file's text, or why the start failed. */
  readonly message?: string;
  readonly logPath: string;
  /** In force; undefined: not known, or being changed by whoever was killed at it. */
  readonly resources?: Resources;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Ends the command with SIGKILL when it comes. */
  readonly signal?: AbortSignal;
  readonly rows?: number;
  readonly columns?: number;
}

/** Where the bytes of a running exec or attach go. Methods are called in the order of the bytes. */
export interface StreamSession {
  /** Resolves when more may be written: back pressure from the process's stdin. */
  write(data: Uint8Array): Promise<void>;
  endStdin(): void;
  resize(rows: number, columns: number): void;
  onStdout: (data: Buffer) => void;
  onStderr: (data: Buffer) => void;
  /** Stop and go on reading output: back pressure from the client. */
  pause(): void;
  resume(): void;
  /** The exit code (128+signal), after all output. Rejects with MonitorGone. */
  readonly exited: Promise<number>;
  close(): void;
}

/** `out`: an archive of what the path leads to; `look`: its header alone; `in`: an archive, its names paths of the container. */
export type CopyRequest = { readonly verb: "out" | "look"; readonly path: string } | { readonly verb: "in" };

/** What was copied, and what had to be left out. */
export interface CopyOutcome {
  /** Entries, and the bytes of files' content. */
  readonly files: number;
  readonly bytes: number;
  /** Relative to the path; a socket, a device, what the container's user may not read. At most the first hundred. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
}

/** Files on their way: the tar archive is what is written, or what comes as `onStdout`, its names beginning with `.`. */
export interface CopySession extends StreamSession {
  /** Absolute, in the container. */
  readonly path: string;
  /** Whom the container runs as, and what is copied in without an owner belongs to. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** After all output. Rejects with NotFound, Conflict, BadRequest, OperationFailed, MonitorGone. */
  readonly done: Promise<CopyOutcome>;
}

/** What a cgroup and those below it use; undefined: it is gone, or the machine does not count it. */
export interface CgroupUsage {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** CPU time since it was made, nanoseconds. */
  readonly cpuNanos: bigint | undefined;
  readonly memory: MemoryUsage | undefined;
  /** Tasks, threads included. */
  readonly pids: number | undefined;
}

/** As the pod sees it: rx is what it has received. */
export interface LinkUsage {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
}

export interface ContainerUsage {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly startedAt: string | undefined;
  /** Its writable layer is below it, in `upper`. */
  readonly folder: string;
  readonly usage: CgroupUsage;
}

export interface SandboxStats {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly createdAt: string;
  /** Of all its containers together. */
  readonly usage: CgroupUsage;
  /** Undefined: it has the host's network. */
  readonly link: LinkUsage | undefined;
  readonly containers: readonly ContainerUsage[];
}

/** One measured operation, for `podrun trace`. Times are CLOCK_MONOTONIC nanoseconds as decimal strings in JSON, bigint here. */
export interface TracedOperation {
  readonly index: number;
  readonly part: string;
  readonly actor: string;
  readonly op: string;
  readonly text: string;
  readonly why: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly errno?: string;
}

export type RuntimeEvent =
  | { readonly type: "containerStarted"; readonly container: ContainerStatus }
  | { readonly type: "containerExited"; readonly container: ContainerStatus }
  | { readonly type: "sandboxLost"; readonly sandbox: SandboxStatus };

/** The runtime proper; `Runtime` in runtime.ts implements it. All methods are idempotent where CRI asks for it (stop, remove). */
export interface RuntimeService {
  /**
   * `meanwhile` is called once, with the addresses known, while the monitor makes the sandbox and the daemon would wait:
   * containers may be created then. When the sandbox fails they are removed with it.
   */
  runSandbox(config: SandboxConfig, meanwhile?: (sandbox: SandboxStatus) => void): Promise<SandboxStatus>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  sandboxStatus(id: string): SandboxStatus;
  listSandboxes(): readonly SandboxStatus[];
  /**
   * Gives `memoryVolumes` of the sandbox new content, each at once for whoever reads it; one that has this content already is
   * left alone. Throws what a plan throws; then a reader sees the old content.
   */
  writeVolumes(sandboxId: string, volumes: Readonly<Record<string, VolumeTree>>): Promise<void>;
  /** Volumes that `writeVolumes` has given content. */
  writtenVolumes(sandboxId: string): ReadonlySet<string>;
  /**
   * Writes limits of cgroups that are in use. Throws MemoryInUse (a limit below what is used: nothing is changed), MonitorGone
   * and what a plan throws: then some are changed, and it is to be asked for again.
   */
  resize(sandboxId: string, request: ResizeRequest): Promise<void>;
  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<ContainerStatus>;
  /** SIGTERM (or the image's StopSignal), then SIGKILL after `graceSeconds`. Resolves when the container has exited. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): ContainerStatus;
  listContainers(sandboxId?: string): readonly ContainerStatus[];
  exec(containerId: string, request: ExecRequest): Promise<StreamSession>;
  attach(containerId: string, options: { readonly stdin: boolean }): Promise<StreamSession>;
  /** Files into or out of a running container, with nothing needed in its image. Throws ContainerNotRunning, MonitorGone. */
  copy(containerId: string, request: CopyRequest): Promise<CopySession>;
  /**
   * A TCP connection to a port of the sandbox's own localhost. `onStdout` has what comes, `write` and `endStdin` (a half-close)
   * what goes; `exited` resolves when the other side has ended its direction, and `write` still works then. Throws NotFound,
   * ContainerNotRunning (the sandbox is not ready), OperationFailed (details.errno ECONNREFUSED: nothing listens), MonitorGone.
   */
  portForward(sandboxId: string, port: number): Promise<StreamSession>;
  /** The plan that would run, nothing executed. Addresses and numbers are the ones the next start would get. */
  plan(
    sandbox: SandboxConfig,
    containers: readonly ContainerConfig[],
    volumes?: Readonly<Record<string, VolumeTree>>,
  ): readonly import("../linux/plan/operations.gen.ts").Operation[];
  trace(sandboxId: string): readonly TracedOperation[];
  /** What sandboxes and containers that run use now, read from the kernel; of one sandbox, or of all. */
  stats(sandboxId?: string): readonly SandboxStats[];
  on(listener: (event: RuntimeEvent) => void): void;
  /** Takes up again what an earlier daemon left; resolves when every record agrees with the kernel. */
  recover(): Promise<void>;
}
