// When an ended container starts again: `spec.restartPolicy`, and the back-off between starts. Pure but for the clock
// that is handed in.

import type { Container, PlacedContainer, PodSpec } from "../spec/index.ts";

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** Whether a container that ended with this code is to start again (PodSpec.restartPolicy). */
export function shouldRestart(policy: RestartPolicy, exitCode: number): boolean {
  if (policy === "OnFailure") return exitCode !== 0;
  return policy === "Always";
}

/**
 * Whether a container that ended is to start again (KEP-753, KEP-5307): its own rules on exit codes go before its own
 * policy, and that before the pod's. An init container that ended well is done, unless the whole pod starts over.
 */
export function isRestarted(
  { restartPolicy }: Pick<PodSpec, "restartPolicy">,
  { container, role }: Pick<PlacedContainer, "container" | "role">,
  exitCode: number,
): boolean {
  if (role === "ephemeral") return false;
  const rule = ruleFor(container, exitCode);
  if (rule?.action === "RestartAllContainers") return true;
  if (role === "init" && exitCode === 0) return false;
  return rule !== undefined || shouldRestart(container.restartPolicy ?? restartPolicy, exitCode);
}

/** Of a container's rules the first one that the exit code matches; whatever comes behind it does not count. */
const ruleFor = ({ restartPolicyRules = [] }: Pick<Container, "restartPolicyRules">, exitCode: number) =>
  restartPolicyRules.find(
    ({ exitCodes }) =>
      exitCodes !== undefined && (exitCodes.values ?? []).includes(exitCode) === (exitCodes.operator === "In"),
  );

/** Whether a container's end with this code makes the whole pod start over (KEP-5532); an init container's good end, too. */
export const restartsAll = (container: Pick<Container, "restartPolicyRules">, exitCode: number): boolean =>
  ruleFor(container, exitCode)?.action === "RestartAllContainers";

/** Whether any end of the container could. */
export const couldRestartAll = ({ restartPolicyRules = [] }: Pick<Container, "restartPolicyRules">): boolean =>
  restartPolicyRules.some(({ action }) => action === "RestartAllContainers");

export interface BackoffSettings {
  /** Wait before the second restart, in milliseconds; doubled at each further one. */
  readonly initialMillis: number;
  /** The longest wait, in milliseconds. A run twice as long as this makes the next wait start at `initialMillis` again. */
  readonly maxMillis: number;
}

/** Waits between attempts to make a sandbox, to take a pod away, or to write a limit below what is still used. */
export const RETRY: BackoffSettings = { initialMillis: 1000, maxMillis: 60_000 };

/** The kubelet's: 10 s, doubled up to 5 min, forgotten after 10 min of running. */
export const KUBELET_BACKOFF: BackoffSettings = { initialMillis: 10_000, maxMillis: 300_000 };

/**
 * The back-off of one container: the first restart is immediate, the second waits `initialMillis` from the end of the
 * run before it, each further one twice as long (the kubelet's flowcontrol back-off). Times are Unix milliseconds.
 */
export class RestartBackoff {
  readonly #settings: BackoffSettings;
  #delay = 0;
  #lastRestart = Number.NEGATIVE_INFINITY;

  constructor(settings: BackoffSettings = KUBELET_BACKOFF) {
    this.#settings = settings;
  }

  /** The wait that applies to a run that ended at `finished`, in milliseconds; 0: restart at once. */
  delayAfter(finished: number): number {
    return this.#forgotten(finished) ? 0 : this.#delay;
  }

  /** How long from `now` until a container that ended at `finished` may start again, in milliseconds; 0: at once. */
  remaining(finished: number, now: number): number {
    return Math.max(0, finished + this.delayAfter(finished) - now);
  }

  /** Records a restart at `now`, after a run that ended at `finished`. */
  restarted(finished: number, now: number): void {
    const { initialMillis, maxMillis } = this.#settings;
    const fresh = this.#delay === 0 || this.#forgotten(finished);
    this.#delay = Math.min(fresh ? initialMillis : this.#delay * 2, maxMillis);
    this.#lastRestart = now;
  }

  /** Goes on where an earlier daemon had come to. */
  recover(delayMillis: number, lastRestart: number): void {
    this.#delay = delayMillis;
    this.#lastRestart = lastRestart;
  }

  #forgotten(finished: number): boolean {
    return finished - this.#lastRestart > 2 * this.#settings.maxMillis;
  }
}

/** The wait after the n-th failure in a row (from 1) to make something: `initialMillis`, doubled each time. */
export function retryDelay({ initialMillis, maxMillis }: BackoffSettings, failures: number): number {
  return Math.min(maxMillis, initialMillis * 2 ** Math.min(failures - 1, 30));
}

/** A delay as Go prints a duration of whole seconds, for the kubelet's messages: `10s`, `1m20s`, `5m0s`. */
export function formatDelay(millis: number): string {
  if (millis < 1000) return `${millis}ms`;
  const seconds = Math.round(millis / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
