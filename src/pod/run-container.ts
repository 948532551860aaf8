import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import type { RuntimeImage, SandboxStatus } from "../sandbox/types.ts";
import { type Container, findPlaced, type Pod } from "../spec/index.ts";
import { buildContainerConfig } from "./container-config.ts";
import type { EnvironmentFacts } from "./downward.ts";
import { envFiles } from "./env-file.ts";
import { withLastWords } from "./last-words.ts";
import type { Node } from "./node.ts";
import type { PodImages } from "./pull-image.ts";
import { Reasons } from "./reasons.ts";
import { messageOf, record } from "./record.ts";
import { isRestarted } from "./restart.ts";
import type { Waiting } from "./status.ts";
import type { Preparation, TrackedContainer } from "./tracked-container.ts";
import { withImages } from "./volume-images.ts";
import { checkHostPaths, type VolumeSources } from "./volumes.ts";

/** What a container's start needs of its pod. */
export interface StartContext {
  readonly pod: Pod;
  readonly sandbox: SandboxStatus;
  readonly volumes: VolumeSources;
  readonly images: PodImages;
}

/**
 * Makes and starts one run of a container. What keeps it from running is not thrown but becomes `waiting`, as the kubelet
 * shows it, with an event. A command that ended at once was
 * started.
 */
export async function runContainer(
  node: Node,
  tracked: TrackedContainer,
  spec: Container,
  context: StartContext,
): Promise<"started" | "failed" | "waits"> {
  const early = await tracked.prepared;
  tracked.prepared = undefined;
  // Its image may have come while the sandbox was made.
  const prepared = early && early !== "waits" ? early : await prepareContainer(node, tracked, spec, context);
  if (typeof prepared === "string") return prepared;
  const { id } = prepared;
  try {
    step("pod.start-container");
    tracked.expectStart(spec);
    await node.runtime.startContainer(id);
    // Asked anew: a command that ends at once may have ended since.
    tracked.run = withLastWords(node.runtime.containerStatus(id), spec);
    step("pod.container-started");
  } catch (error) {
    fail(node, tracked, context.pod, { reason: "RunContainerError", message: messageOf(error) });
    return tracked.end !== undefined ? "started" : "failed";
  }
  tracked.waiting = undefined;
  tracked.failures = 0;
  record(node, context.pod, "Normal", "Started", `Started container ${spec.name}`, spec.name);
  return "started";
}

/** Makes one run of a container, ready to be started. Its image is held until the container is on record. */
export async function prepareContainer(
  node: Node,
  tracked: TrackedContainer,
  spec: Container,
  context: StartContext,
): Promise<Preparation> {
  const { images, pod } = context;
  const volumes = await images.volumes.take(tracked, spec, pod);
  if (volumes === undefined) return "waits";
  const held = await images.take(tracked, spec, pod);
  if (held === undefined) {
    images.volumes.keep(spec, volumes);
    return "waits";
  }
  tracked.image = spec.image;
  tracked.imageID = held.imageID;
  let reason = "CreateContainerConfigError";
  try {
    checkHostPaths(spec, pod, node);
    const attempt = tracked.restartCount;
    const config = buildContainerConfig(
      context.pod,
      spec,
      attempt,
      containerContext(node, held.image, {
        ...context,
        volumes: withImages(context.volumes, volumes),
      }),
    );
    const pidTarget = findTarget(node, context.pod, spec);
    reason = "CreateContainerError";
    step("pod.create-container");
    const id = await node.runtime.createContainer(context.sandbox.id, {
      ...config,
      ...(pidTarget !== undefined && { pidTarget }),
    });
    tracked.run = node.runtime.containerStatus(id);
    record(node, context.pod, "Normal", "Created", `Created container: ${spec.name}`, spec.name);
    return { id };
  } catch (error) {
    // Its sandbox failed while it was being prepared: that is told of the pod, and the container waits for the next one.
    if (isGone(error, context.sandbox.id)) return "failed";
    fail(node, tracked, context.pod, { reason: refine(reason, error), message: messageOf(error) });
    return "failed";
  } finally {
    held.release();
    for (const { release } of volumes.values()) release();
  }
}

/**
 * The id of the container whose processes an ephemeral one sees. Where the pod shares its processes there is nothing to join.
 * Throws ContainerNotRunning.
 */
function findTarget(node: Node, { metadata, spec }: Pod, { name }: Container): string | undefined {
  const target = findPlaced(spec, name)?.target;
  if (target === undefined || spec.shareProcessNamespace || spec.hostPID) return undefined;
  const runs = node.runtime.listContainers(metadata.uid);
  const run = runs.find((one) => one.name === target && one.state === "running");
  if (run) return run.id;
  throw new PodrunError("ContainerNotRunning", `target container "${target}" is not running`, {
    details: { pod: metadata.name, container: target },
  });
}

const isGone = (error: unknown, sandbox: string): boolean =>
  error instanceof PodrunError && error.code === "NotFound" && error.details["sandbox"] === sandbox;

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
  else if (!isAgain(pod, tracked, tracked.end.exitCode)) tracked.waiting = undefined;
  record(node, pod, "Warning", "Failed", `Error: ${waiting.message}`, tracked.name);
}

function isAgain({ spec }: Pod, tracked: TrackedContainer, exitCode: number): boolean {
  const placed = findPlaced(spec, tracked.name);
  return placed !== undefined && isRestarted(spec, placed, exitCode);
}

export function containerContext(node: Node, image: RuntimeImage, context: Omit<StartContext, "images">) {
  return {
    image,
    volumes: context.volumes,
    environment: environmentFacts(node, context.sandbox.addresses),
    objects: node.objects,
    files: envFiles(context.volumes, context.sandbox),
    seccompFolder: join(node.config.root, "seccomp"),
    reasons: new Reasons(),
  };
}

/** `podAddresses`: none for a pod in the host's network, whose addresses are the host's (PodStatus.podIP). */
export function environmentFacts(node: Node, podAddresses: readonly string[]): EnvironmentFacts {
  const { name, addresses, allocatable, memoryBytes } = node.facts;
  return {
    nodeName: name,
    hostAddresses: addresses,
    podAddresses: podAddresses.length > 0 ? podAddresses : addresses,
    allocatable,
    machineMemoryBytes: memoryBytes,
  };
}
