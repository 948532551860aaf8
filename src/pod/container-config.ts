import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import type {
  ContainerConfig,
  ContainerMount,
  ContainerSecurity,
  RuntimeImage,
  SeccompSetting,
} from "../sandbox/types.ts";
import {
  type AppArmorProfile,
  type Container,
  findPlaced,
  type Pod,
  qosClass,
  type SeccompProfile,
} from "../spec/index.ts";
import type { EnvironmentFacts } from "./downward.ts";
import type { EnvFiles } from "./env-file.ts";
import { buildEnvironment, type Environment, expandWords } from "./environment.ts";
import type { Reasons } from "./reasons.ts";
import { containerOomScore, containerResources } from "./resources.ts";
import { containerSeLinux, labelOwner } from "./selinux.ts";
import { expandSubPath } from "./sub-path.ts";
import type { ObjectSource } from "./types.ts";
import type { VolumeSources } from "./volumes.ts";

export interface ContainerContext {
  readonly image: RuntimeImage;
  readonly volumes: VolumeSources;
  readonly environment: EnvironmentFacts;
  /** Where its ConfigMaps and Secrets are. */
  readonly objects: ObjectSource;
  /** What is in files of its volumes. */
  readonly files: EnvFiles;
  /** Folder that `localhostProfile` is relative to. */
  readonly seccompFolder: string;
  readonly reasons: Reasons;
}

/** What the runtime needs to make one run of a container; `attempt` counts the runs from 0. Throws InvalidObject, NotFound (a ConfigMap, a Secret, a key). */
export function buildContainerConfig(
  pod: Pod,
  container: Container,
  attempt: number,
  context: ContainerContext,
): ContainerConfig {
  const env = buildEnvironment(pod, container, { ...context, facts: context.environment });
  const command = expandWords(container.command, env);
  const args = expandWords(container.args, env);
  const resources = containerResources(container, pod);
  return {
    name: container.name,
    attempt,
    image: context.image,
    ...(command !== undefined && { command }),
    ...(args !== undefined && { args }),
    env,
    ...(container.workingDir !== undefined && { workingDir: container.workingDir }),
    mounts: mountsOf(pod, container, context, env),
    security: mergeSecurity(pod, container, context.seccompFolder),
    resources,
    oomScoreAdj: containerOomScore(pod, container, context.environment.machineMemoryBytes),
    ...(container.lifecycle?.stopSignal !== undefined && { stopSignal: container.lifecycle.stopSignal }),
    terminationMessage: { path: container.terminationMessagePath },
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    why: containerReasons(pod, container, context.reasons),
  };
}

function mountsOf(
  pod: Pod,
  container: Container,
  { volumes, reasons }: ContainerContext,
  env: Environment,
): ContainerMount[] {
  const base = containerPath(pod, container);
  return (container.volumeMounts ?? []).map((mount, index) => {
    const { name, mountPath, readOnly = false } = mount;
    const volume = volumes.get(name);
    // Validation refuses a mount without its volume: its claim has lost what it was bound to.
    if (volume === undefined)
      throw new PodrunError("InvalidObject", `volume "${name}": its claim is not bound to a volume`, {
        details: { volume: name },
      });
    const path = `${base}.volumeMounts[${index}]`;
    const subPath = expandSubPath(mount, env);
    return {
      source: volume.source,
      target: mountPath,
      readOnly: readOnly || volume.readOnly,
      ...(volume.relabel && labelOwner(pod, name)?.name === container.name && { relabel: true }),
      ...(subPath !== undefined && { subPath: { path: subPath, mode: volume.folderMode } }),
      ...((mount.recursiveReadOnly ?? "Disabled") !== "Disabled" && { recursiveReadOnly: true }),
      ...(mount.mountPropagation !== undefined && propagationOf(mount.mountPropagation)),
      why: `${reasons.of(path, true, path)} (volume ${name})`,
    };
  });
}

const propagationOf = (wanted: "None" | "HostToContainer" | "Bidirectional"): Pick<ContainerMount, "propagation"> =>
  wanted === "None" ? {} : { propagation: wanted === "Bidirectional" ? "shared" : "slave" };

/** SecurityContext over PodSecurityContext, field by field (Kubernetes: the container's wins). */
export function mergeSecurity(pod: Pod, container: Container, seccompFolder: string): ContainerSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext;
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const runAsNonRoot = own.runAsNonRoot ?? shared.runAsNonRoot;
  const privileged = own.privileged ?? false;
  return {
    privileged,
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    // A privileged container may always gain privileges (SecurityContext.allowPrivilegeEscalation).
    ...(own.procMount === "Unmasked" && { unmasked: true }),
    allowPrivilegeEscalation: privileged || (own.allowPrivilegeEscalation ?? true),
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    ...(runAsUser !== undefined && { runAsUser }),
    ...(runAsGroup !== undefined && { runAsGroup }),
    ...(runAsNonRoot !== undefined && { runAsNonRoot }),
    supplementalGroups: [
      ...new Set([...(shared.fsGroup === undefined ? [] : [shared.fsGroup]), ...(shared.supplementalGroups ?? [])]),
    ],
    ...(shared.supplementalGroupsPolicy === "Strict" && { strictGroups: true }),
    ...appArmorOf(own.appArmorProfile ?? shared.appArmorProfile),
    ...containerSeLinux(pod, container),
    seccomp: privileged
      ? { type: "Unconfined" }
      : seccompOf(own.seccompProfile ?? shared.seccompProfile, seccompFolder),
  };
}

function appArmorOf(profile: AppArmorProfile | undefined): Pick<ContainerSecurity, "appArmor"> {
  if (profile === undefined) return {};
  const { type, localhostProfile = "" } = profile;
  return { appArmor: type === "Localhost" ? { type, profile: localhostProfile } : { type } };
}

/** podrun filters by default, as a kubelet with seccompDefault does. */
function seccompOf(profile: SeccompProfile | undefined, folder: string): SeccompSetting {
  if (profile?.type === "Localhost") return { type: "Localhost", path: join(folder, profile.localhostProfile ?? "") };
  return { type: profile?.type ?? "RuntimeDefault" };
}

const containerPath = (pod: Pod, { name }: Container): string => findPlaced(pod.spec, name)?.path ?? "spec";

/** Field → where it comes from, under the field's own name. */
function containerReasons(pod: Pod, container: Container, reasons: Reasons): Record<string, string> {
  const base = containerPath(pod, container);
  const own = (field: keyof Container, otherwise: string): string =>
    reasons.of(`${base}.${field}`, container[field] !== undefined, otherwise);
  const why: Record<string, string> = {
    image: own("image", "image"),
    command: own("command", "default: the image's Entrypoint"),
    args: own("args", "default: the image's Cmd"),
    env: own("env", "default: the image's Env"),
    workingDir: own("workingDir", "default: the image's WorkingDir"),
    resources: reasons.of(
      `${base}.resources`,
      Object.keys(container.resources).length > 0,
      "default: no requests, no limits",
    ),
    oomScoreAdj: `QoS class ${qosClass(pod)}`,
    stdin: own("stdin", "default: false"),
    stdinOnce: own("stdinOnce", "default: false"),
    tty: own("tty", "default: false"),
  };
  for (const [field, otherwise] of Object.entries(SECURITY_DEFAULTS))
    why[field] = securityReason(pod, container, field, otherwise, reasons);
  return why;
}

const SECURITY_DEFAULTS = {
  privileged: "default: not privileged",
  readOnlyRootFilesystem: "default: writable",
  allowPrivilegeEscalation: "default: true",
  capabilities: "default: the usual set",
  runAsUser: "default: the image's User",
  runAsGroup: "default: the image's User",
  runAsNonRoot: "default: false",
  supplementalGroups: "default: the image's /etc/group",
  seccompProfile: "default: RuntimeDefault",
  appArmorProfile: "default: RuntimeDefault",
  seLinuxOptions: "default: the policy's label for containers",
} as const;

function securityReason(pod: Pod, container: Container, field: string, otherwise: string, reasons: Reasons): string {
  const own = (container.securityContext as Readonly<Record<string, unknown>> | undefined)?.[field];
  if (own !== undefined)
    return reasons.of(`${containerPath(pod, container)}.securityContext.${field}`, true, otherwise);
  const shared = (pod.spec.securityContext as Readonly<Record<string, unknown>>)[field];
  return reasons.of(`spec.securityContext.${field}`, shared !== undefined, otherwise);
}
