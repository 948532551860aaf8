import type { ContainerStatus as RuntimeContainer } from "../sandbox/types.ts";
import type { Container, ContainerStatus, PlacedContainer } from "../spec/index.ts";
import type { Grace } from "./grace.ts";
import { momentOf, type Timers } from "./node.ts";
import { type BackoffSettings, RestartBackoff } from "./restart.ts";
import { type ContainerFacts, containerUrl, type Terminated, terminatedOf, type Waiting } from "./status.ts";

/**
 * What came of making a container: its id; `failed`, with `waiting` and an event saying why; `waits`: its image is being
 * pulled, or is to be tried again later.
 */
export type Preparation = { readonly id: string } | "failed" | "waits";

/** An end that has been asked for. */
export interface Stop {
  readonly grace: Grace;
  /** Resolves when the container has ended. */
  readonly done: Promise<void>;
}

/**
 * What a worker remembers of one of its pod's containers, over all its runs.
 *
 *   (nothing) ──► running ──► ended ──► running …      `run` is the newest run, `last` the end of the one before it
 *       │                       │
 *       └──► waiting ◄──────────┘                      no image, failed to start, back-off: `waiting` says why
 */
export class TrackedContainer implements ContainerFacts {
  readonly name: string;
  readonly role: PlacedContainer["role"];
  readonly backoff: RestartBackoff;
  run: RuntimeContainer | undefined;
  ended: Terminated | undefined;
  last: Terminated | undefined;
  waiting: Waiting | undefined;
  /** The image that the newest run was made from, as the pod named it then. */
  image: string | undefined;
  /** The image's digest as Kubernetes shows it (ContainerStatus.imageID). */
  imageID: string | undefined;
  restartCount = 0;
  /** The first run while it is being created beside its sandbox: what came of it. */
  prepared: Promise<Preparation> | undefined;
  /** Failures in a row to make or start it, and when to try again. Its image has a back-off of its own (PodImages). */
  failures = 0;
  #endedAt: { readonly time: string; readonly moment: number } | undefined;
  retryAt = 0;

  /** Its postStart hook, as long as it is not done: it does not count as running yet. */
  hook: "due" | "runs" | "failed" | undefined;
  /** Hooks that run. */
  readonly hooks = new Set<AbortController>();
  /** Whether its startup probe has succeeded; undefined: it has none. */
  startup: boolean | undefined;
  /** The word of its readiness probe; undefined: it has none. */
  readiness: boolean | undefined;
  /** The run that is ended because its resources can change only by a new start (Container.resizePolicy): its id. */
  resizing: string | undefined;
  /** The end that was asked for while the pod goes on: another image, a failed probe or hook. */
  stop: Stop | undefined;

  constructor(name: string, role: PlacedContainer["role"], settings: BackoffSettings) {
    this.name = name;
    this.role = role;
    this.backoff = new RestartBackoff(settings);
  }

  get isRunning(): boolean {
    return this.run?.state === "running" || this.run?.state === "starting";
  }

  get isHooked(): boolean {
    return this.hook !== undefined;
  }

  /** It runs, its hook is done, and its startup probe, when it has one, has succeeded (ContainerStatus.started). */
  get isStarted(): boolean {
    return this.run?.state === "running" && !this.isHooked && (this.startup ?? true);
  }

  /** Whether the newest run is not what the pod wants any more: it starts again, whatever its restart policy says. */
  isOutdated({ image }: Pick<Container, "image">): boolean {
    return this.isResizing || (this.image !== undefined && this.image !== image);
  }

  get isResizing(): boolean {
    return this.run !== undefined && this.run.id === this.resizing;
  }

  /** How the newest run ended, undefined while it goes on or when there was none. */
  get end(): Terminated | undefined {
    return this.run ? (this.run.state === "exited" ? terminatedOf(this.run) : undefined) : this.ended;
  }

  /**
   * The moment at which the newest run ended: finer than `end`, whose times are Kubernetes' whole seconds. It is worked out when
   * it is first asked for, and stays whatever is done to the clock; it is never to come.
   */
  endedAt(timers: Pick<Timers, "now" | "wall">): number {
    const time = this.run?.finishedAt ?? this.ended?.finishedAt ?? "";
    if (this.#endedAt?.time !== time) {
      const moment = Math.min(timers.now(), momentOf(timers, time));
      this.#endedAt = { time, moment: Number.isNaN(moment) ? 0 : moment };
    }
    return this.#endedAt.moment;
  }

  /** The newest run is over and done with: its end becomes the last state, and the next run counts one restart. */
  beginRestart(): void {
    this.last = this.end;
    this.run = undefined;
    this.ended = undefined;
    this.restartCount++;
  }

  /** What is known of a run that is about to start: nothing is done, nothing has succeeded. */
  expectStart({ lifecycle, startupProbe, readinessProbe }: Container): void {
    this.hook = lifecycle?.postStart ? "due" : undefined;
    this.startup = startupProbe ? false : undefined;
    this.readiness = readinessProbe ? false : undefined;
  }

  /**
   * Takes up what had been told of the newest run's hook and probes. A hook that is not known to be done runs again: hooks run
   * at least once.
   */
  recoverWords(container: Container, status: ContainerStatus | undefined): void {
    this.expectStart(container);
    if (!this.run || status?.containerID !== containerUrl(this.run.id) || !status.state.running) return;
    this.hook = undefined;
    if (container.startupProbe) this.startup = status.started ?? false;
    if (container.readinessProbe) this.readiness = status.ready;
  }

  /** The run has ended: so do its hooks. */
  endHooks(): void {
    for (const hook of this.hooks) hook.abort();
  }

  /** The runtime is about to forget the newest run, with its sandbox: how it ended is kept. */
  forgetRun(): void {
    this.ended = this.end ?? this.ended;
    this.run = undefined;
  }

  /**
   * Takes up what the pod's status said when an earlier daemon wrote it, and what the runtime knows of the container now.
   * A run that was going on and that the runtime knows nothing of is gone: with a reboot, or with its monitor.
   */
  recover(status: ContainerStatus | undefined, run: RuntimeContainer | undefined, now: string): void {
    this.run = run;
    this.restartCount = Math.max(status?.restartCount ?? 0, run?.attempt ?? 0);
    if (status === undefined) return;
    this.image = status.image;
    this.imageID = status.imageID || undefined;
    const { state, lastState } = status;
    // A run that is newer than the status: what the status calls the newest is the one before.
    const newer = run !== undefined && run.attempt > status.restartCount;
    // What waits for anything but its back-off has been counted as started again: its end is the one before.
    const isCounted = state.waiting !== undefined && state.waiting.reason !== "CrashLoopBackOff";
    const ended = state.terminated ?? (state.waiting && !isCounted ? lastState.terminated : undefined);
    this.last = newer
      ? (ended ?? (state.running ? unknownEnd(status, state.running.startedAt, now) : undefined))
      : undefined;
    if (!newer && (state.waiting === undefined || isCounted)) this.last = lastState.terminated;
    if (run === undefined) this.ended = ended ?? (state.running && unknownEnd(status, state.running.startedAt, now));
  }
}

/** The kubelet's words for a run whose end nobody saw. */
function unknownEnd(status: ContainerStatus, startedAt: string, now: string): Terminated {
  return {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was taken up again",
    startedAt,
    finishedAt: now,
    ...(status.containerID !== undefined && { containerID: status.containerID }),
  };
}
