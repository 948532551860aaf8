import { join, normalize } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { newRuntimeId } from "../base/ids.ts";
import { makeFolder } from "../base/make-folder.ts";
import { containerCgroup } from "../linux/cgroup/index.ts";
import { refuseMissingProfile } from "./apparmor.ts";
import { type ContainerPlanInput, compileContainer } from "./container-plan.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { containerCommand, containerIdentity } from "./identity.ts";
import { containersOf, findContainer } from "./lookup.ts";
import type { ContainerRecord } from "./records.ts";
import { containerLabels } from "./selinux.ts";
import { containerSlots, MAX_CONTAINERS } from "./slots.ts";
import type { ContainerConfig, SandboxShape } from "./types.ts";

/** Kept of each container's log, as the kubelet does (containerLogMaxSize, containerLogMaxFiles). */
const LOG_BYTES = 10 * 1024 * 1024;
const LOG_FILES = 5;

/**
 * Enters a container: number, names looked up, plan compiled, log folder. Nothing of it runs before `startContainer`. Its
 * sandbox may still be on its way.
 * Throws InvalidImage for a user that the image lacks, InvalidObject without a command or for a mount on /proc.
 */
export function createContainer(context: Context, sandbox: LiveSandbox, config: ContainerConfig): LiveContainer {
  const { record: pod } = sandbox;
  refuseHiddenMounts(config);
  refuseMissingProfile(config, context.facts.appArmor);
  const id = newRuntimeId();
  const logFolder = join(pod.logDirectory, config.name);
  const record: ContainerRecord = {
    id,
    sandboxId: pod.id,
    name: config.name,
    attempt: config.attempt,
    state: "created",
    number: freeNumber(context, sandbox),
    key: sandbox.nextKey++,
    imageId: config.image.id,
    imageReference: config.image.reference,
    ...volumeImages(config),
    createdAt: new Date().toISOString(),
    cgroup: containerCgroup(pod.cgroup, id),
    resources: config.resources,
    folder: join(context.facts.config.root, "containers", id),
    logPath: join(logFolder, `${config.attempt}.log`),
    stopSignal: config.stopSignal ?? (config.image.config.stopSignal || "SIGTERM"),
    tty: config.tty,
    stdin: config.stdin,
    terminationMessage: config.terminationMessage !== undefined,
    ...(config.pidTarget !== undefined && { sharesProcesses: true }),
    identity: { ...containerIdentity(config, pod), ...containerLabels(config, pod, context.facts.seLinux) },
  };
  const target = config.pidTarget === undefined ? undefined : findContainer(context, config.pidTarget).record.number;
  const plan = compileContainer(planInput(record, config, pod, target), context.facts);
  step("container.record-intent");
  context.containers.put(record);
  makeFolder(logFolder, 0o755);
  const container: LiveContainer = {
    record,
    plan,
    exited: Promise.withResolvers<void>(),
    starting: new AbortController(),
  };
  context.live.containers.add(container);
  return container;
}

function planInput(
  record: ContainerRecord,
  config: ContainerConfig,
  sandbox: SandboxShape,
  target?: number,
): ContainerPlanInput {
  const { id, cgroup, folder, identity, key, number, logPath } = record;
  const slots = containerSlots(number);
  const processes = target === undefined ? {} : { target: containerSlots(target).process };
  const log = { logPath, logSizeBytes: LOG_BYTES, logFiles: LOG_FILES };
  return {
    id,
    config,
    sandbox,
    cgroup,
    folder,
    identity,
    key,
    slots,
    argv: containerCommand(config),
    ...log,
    ...processes,
  };
}

function volumeImages({ mounts }: ContainerConfig): Pick<ContainerRecord, "volumeImageIds"> {
  const ids = mounts.flatMap(({ source }) => (source.kind === "layers" ? [source.image.id] : []));
  return ids.length > 0 ? { volumeImageIds: ids } : {};
}

/** /proc is mounted last, by the container's own first process: what were mounted below it before would not be seen. */
function refuseHiddenMounts({ name, mounts }: ContainerConfig): void {
  const hidden = mounts.find(({ target }) => /^\/proc(\/|$)/.test(normalize(target)));
  if (!hidden) return;
  throw new PodrunError(
    "InvalidObject",
    `container "${name}": mountPath ${hidden.target}: nothing can be mounted on or below /proc, which is the container's own; choose another path`,
    { details: { container: name, path: hidden.target } },
  );
}

/** The smallest number that no container of the pod has: a container that starts anew gets its predecessor's slots. */
function freeNumber(context: Context, sandbox: LiveSandbox): number {
  const taken = new Set(containersOf(context, sandbox.record.id).map(({ record }) => record.number));
  for (let number = 0; number < MAX_CONTAINERS; number++) if (!taken.has(number)) return number;
  throw new PodrunError(
    "InvalidObject",
    `a pod can hold ${MAX_CONTAINERS} containers at once, and all places are taken`,
    {
      details: { sandbox: sandbox.record.id, limit: MAX_CONTAINERS },
    },
  );
}
