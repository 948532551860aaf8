import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import type { RuntimeImage, SandboxStatus } from "../sandbox/types.ts";
import type { Container, Pod } from "../spec/index.ts";
import { buildContainerConfig } from "./container-config.ts";
import type { EnvironmentFacts } from "./environment.ts";
import type { Node } from "./node.ts";
import { Reasons } from "./reasons.ts";
import { shouldRestart } from "./restart.ts";
import type { Waiting } from "./status.ts";
import type { TrackedContainer } from "./tracked-container.ts";
import type { VolumeSources } from "./volumes.ts";

/** What a container's start needs of its pod. */
export interface StartContext {
  readonly pod: Pod;
  readonly sandbox: SandboxStatus;
  readonly volumes: VolumeSources;
}

/**
 * Makes and starts one run of a container. What keeps it from running is not thrown but becomes `waiting`, as the kubelet
 * shows it, with an event. Returns whether it was started (a command that ended at once was).
 */
export async function runContainer(
  node: Node,
  tracked: TrackedContainer,
  spec: Container,
  context: StartContext,
): Promise<boolean> {
  const prepared = tracked.prepared ?? prepareContainer(node, tracked, spec, context);
  tracked.prepared = undefined;
  const id = await prepared;
  if (id === undefined) return false;
  try {
    step("pod.start-container");
    await node.runtime.startContainer(id);
    // Asked anew: a command that ends at once may have ended since.
    tracked.run = node.runtime.containerStatus(id);
    step("pod.container-started");
  } catch (error) {
    fail(node, tracked, context.pod, { reason: "RunContainerError", message: messageOf(error) });
    return tracked.end !== undefined;
  }
  tracked.waiting = undefined;
  tracked.failures = 0;
  record(node, context.pod, "Normal", "Started", `Started container ${spec.name}`, spec.name);
  return true;
}

/** Makes one run of a container, ready to be started; its id, or undefined with `waiting` and an event saying why not. */
export async function prepareContainer(
  node: Node,
  tracked: TrackedContainer,
  spec: Container,
  context: StartContext,
): Promise<string | undefined> {
  const image = await findImage(node, tracked, spec, context.pod);
  if (image === undefined) return undefined;
  tracked.image = spec.image;
  let reason = "CreateContainerConfigError";
  try {
    const attempt = tracked.restartCount;
    const config = buildContainerConfig(context.pod, spec, attempt, containerContext(node, image, context));
    reason = "CreateContainerError";
    step("pod.create-container");
    const id = await node.runtime.createContainer(context.sandbox.id, config);
    tracked.run = node.runtime.containerStatus(id);
    record(node, context.pod, "Normal", "Created", `Created container: ${spec.name}`, spec.name);
    return id;
  } catch (error) {
    fail(node, tracked, context.pod, { reason: refine(reason, error), message: messageOf(error) });
    return undefined;
  }
}

/** An object that can't be run as it is written is a configuration error wherever it comes to light. */
function refine(reason: string, error: unknown): string {
  const isConfig = error instanceof PodrunError && error.code === "InvalidObject";
  return reason === "CreateContainerError" && isConfig ? "CreateContainerConfigError" : reason;
}

function fail(node: Node, tracked: TrackedContainer, pod: Pod, waiting: Waiting): void {
  tracked.waiting = waiting;
  if (tracked.run) {
    // The runtime may have undone it altogether; then there was no run.
    const left = node.runtime.listContainers(pod.metadata.uid).find(({ id }) => id === tracked.run?.id);
    tracked.run = left;
  }
  if (!tracked.end) tracked.failures++;
  // What is not to start again has ended, and does not wait for anything.
  else if (!shouldRestart(pod.spec.restartPolicy, tracked.end.exitCode)) tracked.waiting = undefined;
  record(node, pod, "Warning", "Failed", `Error: ${waiting.message}`, tracked.name);
}

export function containerContext(node: Node, image: RuntimeImage, context: StartContext) {
  return {
    image,
    volumes: context.volumes,
    environment: environmentFacts(node, context.sandbox.addresses),
    seccompFolder: join(node.config.root, "seccomp"),
    reasons: new Reasons(),
  };
}

/** `podAddresses`: none for a pod in the host's network, whose addresses are the host's (PodStatus.podIP). */
export function environmentFacts(node: Node, podAddresses: readonly string[]): EnvironmentFacts {
  const { name, addresses, cpus, memoryBytes } = node.facts;
  return {
    nodeName: name,
    hostAddresses: addresses,
    podAddresses: podAddresses.length > 0 ? podAddresses : addresses,
    machineCpus: cpus,
    machineMemoryBytes: memoryBytes,
  };
}

/**
 * The image, when it is here. Else the container waits as it would under a kubelet that can't pull (podrun does not pull
 * yet): ErrImageNeverPull with policy Never, ErrImagePull at the first failure, then ImagePullBackOff.
 */
async function findImage(
  node: Node,
  tracked: TrackedContainer,
  spec: Container,
  pod: Pod,
): Promise<RuntimeImage | undefined> {
  const { image: reference, name } = spec;
  try {
    const image = await node.images.resolve(reference);
    record(node, pod, "Normal", "Pulled", `Container image "${reference}" already present on machine`, name);
    return image;
  } catch (error) {
    tracked.failures++;
    tracked.waiting = imageWaiting(spec, messageOf(error), tracked.failures > 1);
    const { reason, message } = tracked.waiting;
    if (reason === "ErrImageNeverPull") record(node, pod, "Warning", reason, message ?? "", name);
    else record(node, pod, "Warning", "Failed", `Failed to pull image "${reference}": ${messageOf(error)}`, name);
    return undefined;
  }
}

function imageWaiting({ image, imagePullPolicy }: Container, message: string, again: boolean): Waiting {
  if (imagePullPolicy === "Never") {
    const text = `Container image "${image}" is not present with pull policy of Never`;
    return { reason: "ErrImageNeverPull", message: text };
  }
  if (!again) return { reason: "ErrImagePull", message };
  return { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ${message}` };
}

export function record(
  node: Node,
  pod: Pod,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  container?: string,
): void {
  node.events.record(pod.metadata, { type, reason, message, ...(container !== undefined && { container }) });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
