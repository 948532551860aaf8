import type { ContainerStatus as RuntimeContainer } from "../../sandbox/types.ts";
import type { Container, Pod, Probe } from "../../spec/index.ts";
import type { Outcome } from "../handlers/outcome.ts";
import { runHandler } from "../handlers/run-handler.ts";
import { momentOf, type Node } from "../node.ts";
import { record } from "../record.ts";
import { beginStop } from "../stop-containers.ts";
import type { TrackedContainer } from "../tracked-container.ts";
import { ProbeLoop } from "./probe-loop.ts";

type Kind = "Liveness" | "Readiness" | "Startup";

/** What probes need of their pod's worker. */
export interface ProbesOwner {
  readonly node: Node;
  pod(): Pod;
  /** A container has started, or has become ready or unready. */
  progress(): void;
}

/**
 * The probes of one run of a container. The startup probe goes first and ends with its first success; liveness and
 * readiness begin then. Liveness or startup failing ends the container: what follows is its restart policy's.
 */
export class ContainerProbes {
  readonly run: RuntimeContainer;
  readonly #owner: ProbesOwner;
  readonly #container: Container;
  readonly #tracked: TrackedContainer;
  readonly #loops = new Map<Kind, ProbeLoop>();

  constructor(owner: ProbesOwner, container: Container, tracked: TrackedContainer, run: RuntimeContainer) {
    this.#owner = owner;
    this.#container = container;
    this.#tracked = tracked;
    this.run = run;
  }

  start(): void {
    const { startupProbe } = this.#container;
    if (startupProbe && this.#tracked.startup !== true) this.#begin("Startup", startupProbe);
    else this.#beginOthers();
  }

  /** The container has ended, or nobody is to look at it any more. */
  stop(): void {
    for (const loop of this.#loops.values()) loop.stop();
    this.#loops.clear();
  }

  /** The pod is being deleted: nothing restarts it any more; whether it is ready is told until its end, as under a kubelet. */
  stopRestarting(): void {
    this.#end("Liveness");
    this.#end("Startup");
  }

  #beginOthers(): void {
    const { livenessProbe, readinessProbe } = this.#container;
    if (livenessProbe) this.#begin("Liveness", livenessProbe);
    if (readinessProbe) this.#begin("Readiness", readinessProbe);
  }

  #begin(kind: Kind, probe: Probe): void {
    const { node } = this.#owner;
    const { exec, httpGet, tcpSocket, grpc, timeoutSeconds } = probe;
    const words = (exec?.command ?? []).join(" ");
    const late = `command timed out: "${words}" timed out after ${timeoutSeconds}s`;
    const handler = {
      ...(exec && { exec }),
      ...(httpGet && { httpGet }),
      ...(tcpSocket && { tcpSocket }),
      ...(grpc && { grpc }),
    };
    const loop = new ProbeLoop({
      probe,
      timers: node.timers,
      attempt: (signal) => {
        const subject = { node, pod: this.#owner.pod(), container: this.#container, run: this.run };
        return runHandler(handler, subject, signal, late);
      },
      onOutcome: (outcome) => this.#tell(kind, outcome),
      onVerdict: (isGood) => this.#take(kind, probe, isGood),
    });
    this.#loops.set(kind, loop);
    const startedAt = momentOf(node.timers, this.run.startedAt ?? this.run.createdAt);
    const delay = (probe.initialDelaySeconds ?? 0) * 1000;
    loop.start(Math.min(delay, Math.max(0, startedAt + delay - node.timers.now())));
  }

  #end(kind: Kind): void {
    this.#loops.get(kind)?.stop();
    this.#loops.delete(kind);
  }

  #tell(kind: Kind, { result, message }: Outcome): void {
    const { node } = this.#owner;
    const tell = (reason: string, text: string): void =>
      record(node, this.#owner.pod(), "Warning", reason, text, this.#container.name);
    if (result === "failure") tell("Unhealthy", `${kind} probe failed: ${message}`);
    if (result === "warning") tell("ProbeWarning", `${kind} probe warning: ${message}`);
    if (result === "unknown") tell("Unhealthy", `${kind} probe errored and resulted in unknown state: ${message}`);
  }

  #take(kind: Kind, probe: Probe, isGood: boolean): void {
    const tracked = this.#tracked;
    if (kind === "Readiness") {
      if (tracked.readiness === isGood) return;
      tracked.readiness = isGood;
      this.#owner.progress();
    } else if (!isGood) {
      this.#fail(kind, probe);
    } else if (kind === "Startup") {
      this.#end("Startup");
      tracked.startup = true;
      this.#beginOthers();
      this.#owner.progress();
    }
  }

  /** The container has its chance to end by itself, and then no other probe is asked any more. */
  #fail(kind: "Liveness" | "Startup", probe: Probe): void {
    this.#end("Liveness");
    this.#end("Startup");
    const pod = this.#owner.pod();
    const grace = probe.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
    const text = `Container ${this.#container.name} failed ${kind.toLowerCase()} probe, will be restarted`;
    beginStop(this.#owner.node, pod, this.#tracked, text, grace);
  }
}
