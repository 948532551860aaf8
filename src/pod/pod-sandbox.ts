import type { SandboxStatus } from "../sandbox/types.ts";
import type { Pod } from "../spec/index.ts";
import { type ConfigVolumes, mountFailure } from "./config-volumes.ts";
import { type SandboxContext, setUpPod } from "./make-sandbox.ts";
import type { Node } from "./node.ts";
import type { PodContainers } from "./pod-containers.ts";
import { record } from "./record.ts";

/** A pod's sandbox, which may be lost and made anew, and what its containers need in it. */
export class PodSandbox {
  readonly #node: Node;
  readonly #containers: PodContainers;
  readonly #config: ConfigVolumes;
  #status: SandboxStatus | undefined;
  /** Sandboxes made before the present one. */
  #attempt = 0;
  /**
   * The present one has been stopped by this daemon. That one is not ready does not say so: one that was lost holds its addresses and
   * ports of the host until it is stopped too.
   */
  #isStopped = false;

  constructor(node: Node, containers: PodContainers, config: ConfigVolumes) {
    this.#node = node;
    this.#containers = containers;
    this.#config = config;
  }

  /** As it was known last; undefined: there is none. */
  get status(): SandboxStatus | undefined {
    return this.#status;
  }

  get isReady(): boolean {
    return this.#status?.state === "ready";
  }

  /** Takes up the sandbox of an earlier daemon. */
  recover({ metadata }: Pod): void {
    this.#status = this.#node.runtime.listSandboxes().find(({ id }) => id === metadata.uid);
    this.#isStopped = false;
    if (this.#status) this.#attempt = this.#status.metadata.attempt;
  }

  note(status: SandboxStatus): void {
    this.#status = status;
  }

  /** Whether there is one that has gone without being asked to. Asked anew: containers' ends are told before it. */
  isLost(): boolean {
    if (this.#status) this.#status = this.#node.runtime.sandboxStatus(this.#status.id);
    return this.#status !== undefined && !this.isReady;
  }

  /** False: it failed, an event says why, and everything has been undone. */
  async make(context: SandboxContext): Promise<boolean> {
    this.#isStopped = false;
    this.#status = await setUpPod(this.#node, this.#containers, this.#attempt, context, this.#config);
    return this.#status !== undefined;
  }

  /** Writes what volumes hold. False: containers may not start yet, and an event says why. */
  async writeVolumes(pod: Pod, status: SandboxStatus): Promise<boolean> {
    try {
      await this.#config.write(pod, status);
      return true;
    } catch (error) {
      record(this.#node, pod, "Warning", "FailedMount", mountFailure(error));
      return false;
    }
  }

  /** What is left of a lost one goes; the next one is another. */
  async forget({ metadata }: Pod): Promise<void> {
    await this.#node.runtime.removeSandbox(metadata.uid);
    for (const tracked of this.#containers.all) tracked.forgetRun();
    this.#status = undefined;
    this.#isStopped = false;
    this.#attempt++;
  }

  /** Its processes and addresses go back, its records stay. False: there is none, or that has been done. */
  async stop({ metadata }: Pod): Promise<boolean> {
    if (!this.#status || this.#isStopped) return false;
    await this.#node.runtime.stopSandbox(metadata.uid);
    this.#isStopped = true;
    this.#status = { ...this.#status, state: "notready" };
    return true;
  }

  /** A pod keeps showing the addresses that it had when its sandbox is stopped. */
  addresses({ spec, status }: Pod): readonly string[] {
    if (this.#status && spec.hostNetwork) return this.#node.facts.addresses;
    // The runtime knows none of one that has been stopped.
    if (this.#status && this.#status.addresses.length > 0) return this.#status.addresses;
    return status.podIPs?.map(({ ip }) => ip) ?? [];
  }
}
