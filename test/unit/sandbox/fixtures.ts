import { loadConfig } from "../../../src/base/config.ts";
import { NO_APPARMOR } from "../../../src/linux/apparmor.ts";
import { DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import type { CgroupLayout } from "../../../src/linux/cgroup/index.ts";
import { NO_SELINUX } from "../../../src/linux/selinux.ts";
import type { MachineFacts, NetworkLease } from "../../../src/sandbox/facts.ts";
import type { ContainerConfig, ContainerSecurity, RuntimeImage, SandboxConfig } from "../../../src/sandbox/types.ts";

export const v2: CgroupLayout = {
  mode: "v2",
  unified: "/sys/fs/cgroup",
  hierarchies: new Map(),
  controllers: new Set(["cpu", "memory", "pids"]),
  favordynmods: true,
};

const V1 = ["cpu", "cpuacct", "memory", "pids", "devices"];
export const v1: CgroupLayout = {
  mode: "v1",
  unified: undefined,
  hierarchies: new Map(V1.map((name) => [name, `/sys/fs/cgroup/${name}`])),
  controllers: new Set(V1),
  favordynmods: false,
};

export function machine(cgroups: CgroupLayout = v2): MachineFacts {
  return {
    config: loadConfig({}),
    cgroups,
    capabilities: new Set([...DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN", "CAP_NET_ADMIN"]),
    mtu: 1400,
    overlayAppends: true,
    hasSctp: () => false,
    userIds: { first: 65_536, last: 2 ** 31 - 1 },
    foreignIds: () => [],
    appArmor: NO_APPARMOR,
    seLinux: NO_SELINUX,
    hostDevices: () => [{ path: "kvm", mode: 0o20660, major: 10, minor: 232, uid: 0, gid: 0 }],
    seccompFilter: (setting) => (setting.type === "Unconfined" ? undefined : { filter: Buffer.alloc(8), flags: 0 }),
    isFile: (path) => path.endsWith(".conf"),
  };
}

export const lease: NetworkLease = {
  ip4: "10.77.0.2",
  ip6: "fd77::2",
  linkIndex: 100_001,
  linkName: "pr186a1",
  hostMac: "02:00:00:00:00:01",
  podMac: "02:00:00:00:00:02",
};

/** What the pod's ids are outside, for users "pod". */
export const userRange = { first: 131_072, count: 65_536 };

export function sandbox(change: Partial<SandboxConfig> = {}): SandboxConfig {
  return {
    metadata: { name: "web", namespace: "default", uid: "0f1e", attempt: 0 },
    hostname: "web",
    hosts: (addresses) => addresses.map((address) => `${address}\tweb\n`).join(""),
    resolvConf: "nameserver 192.0.2.1\n",
    network: "pod",
    pid: "container",
    ipc: "pod",
    sysctls: {},
    shmBytes: 64 * 1024 * 1024,
    qos: "Burstable",
    resources: {},
    memoryVolumes: {},
    logDirectory: "/var/log/pods/default_web_0f1e",
    ...change,
  };
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

export const image: RuntimeImage = {
  id: "sha256:00",
  reference: "podrun.local/base:latest",
  config: {
    user: "",
    env: ["PATH=/bin", "LANG=C"],
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
  layersFolder: "/var/lib/podrun/images/layers",
  layers: ["aaaa", "bbbb"],
  passwd: "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n",
  group: "root:x:0:\napp:x:1000:\nextra:x:50:app\n",
};

export function container(change: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    name: "ctr",
    attempt: 0,
    image,
    env: [],
    mounts: [],
    security,
    resources: {},
    oomScoreAdj: 999,
    stdin: false,
    stdinOnce: false,
    tty: false,
    ...change,
  };
}
