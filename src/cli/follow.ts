// Waiting for pods: one function that sees every state of a pod, from now on, until it has seen enough.
import type { ApiClient, PodWatchEvent } from "../api/client.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";
import type { Pod } from "../spec/pod.ts";

export interface FollowOptions {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: for ever. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Calls `isEnough` with the pod now and after every change, with undefined when it does not exist (any more), until it
 * answers true. False: the time was over. A daemon that dies meanwhile is started anew and asked again: pods outlive it.
 */
export async function followPod(
  client: ApiClient,
  options: FollowOptions,
  isEnough: (pod: Pod | undefined) => boolean,
): Promise<boolean> {
  const over = new AbortController();
  const { timeoutMs } = options;
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => over.abort(), Math.min(timeoutMs, LONGEST_TIMER));
  const signal = AbortSignal.any([over.signal, options.signal]);
  const query = { namespace: options.namespace, fieldSelector: `metadata.name=${options.name}` };
  try {
    for (;;) {
      const { items, metadata } = await client.listPods(query);
      if (isEnough(items[0])) return true;
      if (timeoutMs === 0 || signal.aborted) return false;
      const watched = client.watchPods({ ...query, resourceVersion: metadata.resourceVersion }, signal);
      if (await untilEnough(watched, isEnough)) return true;
      if (signal.aborted) return false;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** setTimeout's limit: 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** False: the watch ended, by the daemon's end or because it came too late for this list. */
async function untilEnough(
  watched: AsyncGenerator<PodWatchEvent>,
  isEnough: (pod: Pod | undefined) => boolean,
): Promise<boolean> {
  try {
    for await (const { type, object } of watched) if (isEnough(type === "DELETED" ? undefined : object)) return true;
  } catch (error) {
    const isExpired = error instanceof ApiError && error.status.reason === "Expired";
    const isBroken = error instanceof PodrunError && error.code === "DaemonUnreachable";
    if (!isExpired && !isBroken) throw error;
  }
  return false;
}
