import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { formatReference, parseReference, type Reference } from "../image/reference.ts";
import type { PulledImage, RuntimeImage } from "../image/types.ts";
import type { Container, Pod } from "../spec/index.ts";
import { backOff, formatMillis, inspectFailed, invalidName, neverPull, pullFailure } from "./image-reasons.ts";
import type { Node } from "./node.ts";
import { findPullSecrets } from "./pull-secrets.ts";
import { messageOf, record } from "./record.ts";
import { retryDelay } from "./restart.ts";
import type { Waiting } from "./status.ts";
import type { TrackedContainer } from "./tracked-container.ts";
import { VolumeImages, volumeImages } from "./volume-images.ts";

/** An image that stays where it is until `release`. */
export interface HeldImage {
  readonly image: RuntimeImage;
  /** ContainerStatus.imageID: `docker.io/library/nginx@sha256:…`, or the config's digest where no registry's is known. */
  readonly imageID: string;
  readonly release: () => void;
}

/** Failures in a row to get one image, and what follows from the last one (Unix milliseconds). */
interface Failure {
  readonly count: number;
  readonly waiting: Waiting;
  /** Until then the failure itself is shown, from then on the back-off. */
  readonly shownUntil: number;
  readonly retryAt: number;
}

/** What goes on for one container. */
type Work =
  | { readonly state: "pulling"; readonly image: string; readonly abort: AbortController }
  | { readonly state: "pulled"; readonly image: string; readonly held: HeldImage };

/** The longest that a failure is shown before its back-off is: about what passes between two looks of a kubelet. */
const SHOWN_MILLIS = 10_000;

/** Names that no registry has: an image that is not here will not come from anywhere. */
const LOCAL_DOMAIN = "podrun.local";

/**
 * How one pod's containers come to their images (Container.imagePullPolicy), with the kubelet's events, reasons and back-off,
 * which is one for each image of the pod. Pulls go on by themselves: no container waits for another's, and no deletion.
 */
export class PodImages {
  readonly #node: Node;
  readonly #progress: () => void;
  readonly #work = new Map<string, Work>();
  readonly #failures = new Map<string, Failure>();
  /** Of a container's volumes. */
  readonly volumes = new VolumeImages((tracked: TrackedContainer, spec, pod) => this.take(tracked, spec, pod));
  #over = false;

  /** `progress` is called when a pull has ended, well or badly: `take` may answer otherwise now. */
  constructor(node: Node, progress: () => void) {
    this.#node = node;
    this.#progress = progress;
  }

  /**
   * The container's image, held. Undefined: it is being pulled, or waits for the next try; `tracked.waiting` says why, and
   * {@link lookAt} when to ask again.
   */
  async take(tracked: TrackedContainer, spec: Container, pod: Pod): Promise<HeldImage | undefined> {
    const { image } = spec;
    if (this.#over) return undefined;
    const work = this.#work.get(spec.name);
    if (work?.image === image) {
      if (work.state === "pulling") return undefined;
      this.#work.delete(spec.name);
      return work.held;
    }
    // It was for another image: the pod has been changed since.
    this.#forget(spec.name);
    let name: Reference;
    try {
      name = parseReference(image);
    } catch (error) {
      return this.#wait(tracked, pod, image, "InspectFailed", invalidName(image, messageOf(error)));
    }
    const isLocal = name.domain === LOCAL_DOMAIN || isId(image);
    const mayBePresent = isLocal || spec.imagePullPolicy !== "Always";
    if (mayBePresent) {
      const present = await this.#findPresent(tracked, spec, pod, name);
      if (present !== "absent") return present;
      if (spec.imagePullPolicy === "Never")
        return this.#wait(tracked, pod, image, "ErrImageNeverPull", neverPull(image));
    }
    if (this.#isBackingOff(tracked, pod, image)) return undefined;
    this.#pull(tracked, spec, pod, name);
    return undefined;
  }

  /** When to ask for this container's image again, Unix milliseconds; infinity: `progress` will tell. */
  lookAt(spec: Container, pod: Pod): number {
    return Math.min(...[spec, ...volumeImages(spec, pod).map(([, own]) => own)].map((one) => this.#lookAt(one)));
  }

  #lookAt(spec: Container): number {
    const failure = this.#failures.get(spec.image);
    if (this.#work.has(spec.name) || failure === undefined) return Number.POSITIVE_INFINITY;
    return this.#node.timers.now() < failure.shownUntil ? failure.shownUntil : failure.retryAt;
  }

  /** The next `take` tries again, whatever the back-off. */
  retry(): void {
    for (const [image, failure] of this.#failures) this.#failures.set(image, { ...failure, shownUntil: 0, retryAt: 0 });
  }

  /** The pod ends, or the daemon leaves: nobody waits for its pulls any more, and nothing is held for it. */
  close(): void {
    this.#over = true;
    for (const container of [...this.#work.keys()]) this.#forget(container);
    this.volumes.close();
  }

  #forget(container: string): void {
    const work = this.#work.get(container);
    this.#work.delete(container);
    if (work?.state === "pulling") work.abort.abort();
    else work?.held.release();
  }

  async #findPresent(
    tracked: TrackedContainer,
    spec: Container,
    pod: Pod,
    name: Reference,
  ): Promise<HeldImage | undefined | "absent"> {
    const { image } = spec;
    try {
      const held = await this.#hold(image, name);
      this.#failures.delete(image);
      record(this.#node, pod, "Normal", "Pulled", `Container image "${image}" already present on machine`, spec.name);
      return held;
    } catch (error) {
      if (error instanceof PodrunError && error.code === "ImageNotFound") return "absent";
      return this.#wait(tracked, pod, image, "InspectFailed", inspectFailed(image, messageOf(error)));
    }
  }

  async #hold(image: string, name: Reference, digest?: string): Promise<HeldImage> {
    const held = await this.#node.images.hold(image);
    try {
      return { ...held, imageID: await this.#imageId(held.image, name, digest) };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  async #imageId(image: RuntimeImage, name: Reference, digest: string | undefined): Promise<string> {
    const { domain, path } = name;
    const repository = formatReference({ domain, path });
    if (digest !== undefined) return `${repository}@${digest}`;
    // No registry ever had it.
    if (domain === LOCAL_DOMAIN) return image.id;
    const { RepoDigests } = await this.#node.images.inspect(image.id);
    return RepoDigests.find((one) => one.startsWith(`${repository}@`)) ?? RepoDigests[0] ?? image.id;
  }

  #isBackingOff(tracked: TrackedContainer, pod: Pod, image: string): boolean {
    const failure = this.#failures.get(image);
    const now = this.#node.timers.now();
    if (failure === undefined || now >= failure.retryAt) return false;
    // The container whose pull failed shows that for a moment; others of the same image have not asked yet.
    if (now < failure.shownUntil && tracked.waiting?.message === failure.waiting.message) return true;
    const waiting = backOff(image, failure.waiting);
    if (tracked.waiting?.message === waiting.message) return true;
    tracked.waiting = waiting;
    record(this.#node, pod, "Normal", "BackOff", `Back-off pulling image "${image}"`, tracked.name);
    record(this.#node, pod, "Warning", "Failed", `Error: ${waiting.reason}`, tracked.name);
    return true;
  }

  /** Begins a pull, and returns. */
  #pull(tracked: TrackedContainer, spec: Container, pod: Pod, name: Reference): void {
    const { image } = spec;
    const abort = new AbortController();
    const work: Work = { state: "pulling", image, abort };
    this.#work.set(spec.name, work);
    const isWanted = (): boolean => !this.#over && this.#work.get(spec.name) === work;
    record(this.#node, pod, "Normal", "Pulling", `Pulling image "${image}"`, spec.name);
    step("pod.pull-image");
    this.#fetch(spec, pod, name, abort.signal).then(
      (held) => {
        if (!isWanted()) return held.release();
        this.#failures.delete(image);
        this.#work.set(spec.name, { state: "pulled", image, held });
        this.#progress();
      },
      (error: unknown) => {
        if (!isWanted()) return;
        this.#work.delete(spec.name);
        const text = `Failed to pull image "${image}": ${messageOf(error)}`;
        record(this.#node, pod, "Warning", "Failed", text, spec.name);
        const waiting = pullFailure(image, error);
        this.#fail(tracked, image, waiting);
        record(this.#node, pod, "Warning", "Failed", `Error: ${waiting.reason}`, spec.name);
        this.#progress();
      },
    );
  }

  async #fetch(
    { image, name: container }: Container,
    pod: Pod,
    name: Reference,
    signal: AbortSignal,
  ): Promise<HeldImage> {
    const begun = this.#node.timers.now();
    const pulled = await this.#node.images.pull({ reference: image, pullSecrets: this.#pullSecrets(pod), signal });
    const held = await this.#hold(image, name, pulled.digest);
    if (!signal.aborted) this.#recordPulled(pod, container, image, pulled, begun);
    return held;
  }

  #recordPulled(pod: Pod, container: string, image: string, pulled: PulledImage, begun: number): void {
    const time = formatMillis(this.#node.timers.now() - begun);
    const text = `Successfully pulled image "${image}" in ${time} (${time} including waiting). Image size: ${pulled.size} bytes.`;
    record(this.#node, pod, "Normal", "Pulled", text, container);
  }

  #pullSecrets(pod: Pod) {
    const { configs, missing, unusable } = findPullSecrets(this.#node.objects, pod);
    const warn = (message: string): void =>
      record(this.#node, pod, "Warning", "FailedToRetrieveImagePullSecret", message);
    if (missing.length > 0)
      warn(
        `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`,
      );
    for (const [name, problem] of unusable)
      warn(`Image pull secret "${name}" can't be used: ${problem}; attempting to pull the image may not succeed.`);
    return configs;
  }

  /** Without a pull: the container waits, and everything is looked at again later. */
  #wait(tracked: TrackedContainer, pod: Pod, image: string, event: string, waiting: Required<Waiting>): undefined {
    record(this.#node, pod, "Warning", event, waiting.message, tracked.name);
    record(this.#node, pod, "Warning", "Failed", `Error: ${waiting.reason}`, tracked.name);
    this.#fail(tracked, image, waiting);
    const failure = this.#failures.get(image);
    // There is no pull to be backed off from: the reason stays what it is.
    if (failure) this.#failures.set(image, { ...failure, shownUntil: failure.retryAt });
  }

  #fail(tracked: TrackedContainer, image: string, waiting: Waiting): void {
    tracked.waiting = waiting;
    const before = this.#failures.get(image);
    const now = this.#node.timers.now();
    // Another container's pull of this image has just failed, too: that is one failure.
    const count = before === undefined ? 1 : now < before.retryAt ? before.count : before.count + 1;
    const delay = retryDelay(this.#node.settings.imagePullBackoff, count);
    const shownUntil = now + Math.min(delay / 2, SHOWN_MILLIS);
    this.#failures.set(image, { count, waiting, shownUntil, retryAt: now + delay });
  }
}

const isId = (image: string): boolean => /^sha256:[a-f0-9]{64}$/.test(image);
