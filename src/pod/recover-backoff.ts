import type { ContainerStatus } from "../spec/index.ts";
import type { BackoffSettings } from "./restart.ts";

/** What a back-off goes on from. */
export interface BackoffState {
  /** The wait that applies to the newest run's end, milliseconds. */
  readonly delayMillis: number;
  /** When that run began, Unix milliseconds. */
  readonly lastRestart: number;
}

/** Kubernetes' times are whole seconds, and a start takes a moment: a wait may seem this much longer or shorter, milliseconds. */
const SLACK = 2000;

/**
 * How far a container's back-off had come, from its status alone: the wait that it tells, or the one that lay before its
 * newest run. Undefined: there was none, or the run was going on when the machine went down, which is no crash.
 */
export function recoverBackoff(
  { state, lastState, restartCount }: ContainerStatus,
  { initialMillis, maxMillis }: BackoffSettings,
): BackoffState | undefined {
  const before = lastState.terminated;
  if (state.waiting) {
    const told = /^back-off (\S+) restarting/.exec(state.waiting.message ?? "")?.[1];
    const lastRestart = Date.parse(before?.startedAt ?? "");
    return told === undefined || Number.isNaN(lastRestart) ? undefined : { delayMillis: parseDelay(told), lastRestart };
  }
  const lastRestart = Date.parse((state.running ?? state.terminated)?.startedAt ?? "");
  const waited = lastRestart - Date.parse(before?.finishedAt ?? "");
  if (restartCount === 0 || Number.isNaN(waited)) return undefined;
  let delayMillis = initialMillis;
  // The wait may have been for something else: there can't have been more doublings than restarts.
  for (let count = 1; count < restartCount && waited + SLACK >= delayMillis; count++) delayMillis *= 2;
  return { delayMillis: Math.min(delayMillis, maxMillis), lastRestart };
}

/** `1m20s`, `10s`, `500ms`: what formatDelay writes, in milliseconds. */
function parseDelay(text: string): number {
  const [, minutes = "0", seconds = "0", millis = "0"] = /^(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text) ?? [];
  return Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(millis);
}
