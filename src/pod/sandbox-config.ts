import { join } from "node:path";
import { type HostsInput, nodeHosts, podHosts, podResolvConf, type ResolverConfig } from "../net/index.ts";
import type { MemoryVolume, SandboxConfig } from "../sandbox/types.ts";
import {
  bytes,
  HUGEPAGE_BYTES,
  type HugepageName,
  hostPortsOf,
  hugepagesAsked,
  hugepagesOfMedium,
  type Pod,
  podLimits,
  portText,
  qosClass,
} from "../spec/index.ts";
import type { ClaimSource } from "./claims/claim-source.ts";
import { kernelHostname, nameOf } from "./hostname.ts";
import type { Reasons } from "./reasons.ts";
import { podResources } from "./resources.ts";
import { containerSeLinux, labelOwner, podSeLinux } from "./selinux.ts";
import { hasContent } from "./volume-content.ts";
import { volumeSources } from "./volumes.ts";

/** containerd's and podman's size of /dev/shm; Kubernetes has no field for it. */
const SHM_BYTES = 64 * 1024 * 1024;

export interface SandboxContext {
  /** State folder. */
  readonly root: string;
  readonly claims: ClaimSource;
  /** What the node has for pods, bytes: no volume in memory is larger. */
  readonly memoryBytes: number;
  /** Folder of the logs of all pods. */
  readonly logs: string;
  readonly hostname: string;
  /** What the names of pods with a subdomain end in (kubelet clusterDomain). */
  readonly clusterDomain: string;
  /** Text of the host's /etc/hosts. */
  readonly hostsFile: string;
  readonly resolver: ResolverConfig;
  /** Most processes in one pod; undefined: no limit (kubelet podPidsLimit). */
  readonly podPidsLimit?: number | undefined;
  /** Huge pages that the node has. */
  readonly hugepages?: readonly HugepageName[] | undefined;
  readonly reasons: Reasons;
}

/** What the runtime needs to make a pod's sandbox. Pure. `attempt` counts the sandboxes that the pod has had, from 0. */
export function buildSandboxConfig(pod: Pod, attempt: number, context: SandboxContext): SandboxConfig {
  const { metadata, spec } = pod;
  const { hostname, domain } = nameOf(pod, context);
  return {
    metadata: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, attempt },
    hostname: kernelHostname(pod, { hostname, domain }),
    hosts: (addresses) => hostsFor(pod, { hostname, domain, addresses }, context.hostsFile),
    resolvConf: resolvConfFor(pod, context.resolver).text,
    network: spec.hostNetwork ? "node" : "pod",
    ports: spec.hostNetwork ? [] : hostPortsOf(spec).map(({ path: _, ...port }) => port),
    pid: spec.hostPID ? "node" : spec.shareProcessNamespace ? "pod" : "container",
    ipc: spec.hostIPC ? "node" : "pod",
    ...(spec.hostUsers === false && { users: "pod" as const, mapped: mappedVolumes(pod, context) }),
    sysctls: Object.fromEntries((spec.securityContext.sysctls ?? []).map(({ name, value }) => [name, value])),
    ...podSeLinux(pod),
    shmBytes: SHM_BYTES,
    qos: qosClass(pod),
    resources: podResources(pod, { pidsLimit: context.podPidsLimit, hugepages: context.hugepages }),
    memoryVolumes: memoryVolumes(pod, context.memoryBytes),
    logDirectory: logDirectory(context.logs, pod),
    why: sandboxReasons(pod, context.reasons),
  };
}

/** NAME_MAX of Linux, bytes. */
const LONGEST_FILE_NAME = 255;

/**
 * The kubelet's place for a pod's logs: NAMESPACE_NAME_UID. A name that no file name has room for is cut: a pod may be named
 * with 253 characters, and under a kubelet such a pod can neither start nor be deleted.
 */
export function logDirectory(
  logs: string,
  { metadata: { namespace, name, uid } }: { readonly metadata: Pick<Pod["metadata"], "namespace" | "name" | "uid"> },
): string {
  const room = LONGEST_FILE_NAME - namespace.length - uid.length - 2;
  return join(logs, `${namespace}_${name.slice(0, room)}_${uid}`);
}

function hostsFor({ spec }: Pod, input: HostsInput, hostsFile: string): string {
  const hostAliases = spec.hostAliases ?? [];
  return spec.hostNetwork ? nodeHosts(hostsFile, hostAliases) : podHosts({ ...input, hostAliases });
}

/** The pod's resolv.conf, and what its owner should be told about it (the kubelet's DNSConfigForming event). */
export function resolvConfFor(
  { metadata, spec }: Pod,
  host: ResolverConfig,
): { text: string; warnings: readonly string[] } {
  return podResolvConf({
    policy: spec.dnsPolicy,
    hostNetwork: spec.hostNetwork ?? false,
    namespace: metadata.namespace,
    host,
    ...(spec.dnsConfig && { dnsConfig: spec.dnsConfig }),
  });
}

/** What its containers may mount of the host's. */
const mappedVolumes = (pod: Pod, { root, claims }: SandboxContext): NonNullable<SandboxConfig["mapped"]> =>
  [...volumeSources(pod, { claims, config: { root } })].flatMap(([volume, { source }]) =>
    source.kind === "host" ? [{ volume, path: source.path }] : [],
  );

const SETGID = 0o2000;

/**
 * Volumes in memory: those whose content podrun writes, and emptyDir, as large as the least of its sizeLimit, the pod's memory limit
 * and what the node has for pods (KEP-1967); of huge pages, as large as the least of its sizeLimit and the pod's limit of them.
 */
function memoryVolumes(pod: Pod, nodeBytes: number): SandboxConfig["memoryVolumes"] {
  const podBytes = podResources(pod).memoryLimitBytes ?? nodeBytes;
  const gid = pod.spec.securityContext.fsGroup;
  const group = gid === undefined ? 0 : SETGID;
  const owner = gid === undefined ? {} : { gid };
  const entries = (pod.spec.volumes ?? []).flatMap((volume): (readonly [string, MemoryVolume])[] => {
    const { name, emptyDir, configMap } = volume;
    const label = containerSeLinux(pod, labelOwner(pod, name));
    // The kubelet's modes: those that it makes in memory are sticky.
    if (hasContent(volume)) return [[name, { mode: (configMap ? 0o777 : 0o1777) | group, ...owner, ...label }]];
    if (!emptyDir?.medium) return [];
    const pages = hugepagesOfMedium(emptyDir.medium, hugepagesAsked(pod.spec));
    const most = pages ? (podLimits(pod)[pages] ?? 0) : Math.min(podBytes, nodeBytes);
    // 0 is none, as everywhere in resources.
    const sizeBytes = Math.min(bytes(emptyDir.sizeLimit ?? "0") || most, most);
    const pageBytes = pages ? { pageBytes: HUGEPAGE_BYTES[pages] } : {};
    return [
      [name, { ...(group !== 0 && { mode: 0o777 | group }), ...owner, ...label, sizeBytes, ...pageBytes }] as const,
    ];
  });
  return Object.fromEntries(entries);
}

function sandboxReasons({ spec }: Pod, reasons: Reasons): Record<string, string> {
  const why: Record<string, string> = {
    hostname: spec.hostnameOverride
      ? reasons.of("spec.hostnameOverride", true, "spec.hostnameOverride")
      : reasons.of("spec.hostname", spec.hostname !== undefined, "default: the pod's name"),
    hostAliases: reasons.of(
      "spec.hostAliases",
      spec.hostAliases !== undefined,
      "default: localhost and the pod's own name",
    ),
    dnsPolicy: spec.dnsConfig
      ? reasons.of("spec.dnsConfig", true, "spec.dnsConfig")
      : reasons.of("spec.dnsPolicy", false, `default: dnsPolicy ${spec.dnsPolicy}`),
    hostNetwork: reasons.of("spec.hostNetwork", spec.hostNetwork !== undefined, "default: a network of its own"),
    hostPID: reasons.of("spec.hostPID", spec.hostPID !== undefined, "default: false"),
    hostIPC: reasons.of("spec.hostIPC", spec.hostIPC !== undefined, "default: an IPC namespace of its own"),
    hostUsers: reasons.of("spec.hostUsers", spec.hostUsers !== undefined, "default: the host's users"),
    shareProcessNamespace: reasons.of(
      "spec.shareProcessNamespace",
      spec.shareProcessNamespace !== undefined,
      "default: each container sees its own processes",
    ),
  };
  for (const [index, { name }] of (spec.securityContext.sysctls ?? []).entries())
    why[`sysctl ${name}`] = reasons.of(`spec.securityContext.sysctls[${index}]`, true, "spec.securityContext.sysctls");
  for (const [index, { name }] of (spec.volumes ?? []).entries())
    why[`volume ${name}`] = reasons.of(`spec.volumes[${index}]`, true, `spec.volumes[${index}]`);
  for (const { path, ...port } of hostPortsOf(spec))
    why[`hostPort ${portText(port)}`] = `${reasons.of(path, true, path)} (${portText(port)})`;
  return why;
}
