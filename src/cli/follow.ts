// Waiting for pods: one function that sees every state of a pod, from now on, until it has seen enough.
import type { ApiClient } from "../api/client.ts";
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
 * answers true. False: the time was over. Throws DaemonUnreachable when the daemon leaves meanwhile.
 */
export async function followPod(
  client: ApiClient,
  options: FollowOptions,
  isEnough: (pod: Pod | undefined) => boolean,
): Promise<boolean> {
  const query = { namespace: options.namespace, fieldSelector: `metadata.name=${options.name}` };
  const { items, metadata } = await client.listPods(query);
  if (isEnough(items[0])) return true;
  if (options.timeoutMs === 0) return false;
  const over = new AbortController();
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => over.abort(), Math.min(options.timeoutMs, 2 ** 31 - 1));
  const signal = AbortSignal.any([over.signal, options.signal]);
  try {
    const watched = client.watchPods({ ...query, resourceVersion: metadata.resourceVersion }, signal);
    for await (const { type, object } of watched) if (isEnough(type === "DELETED" ? undefined : object)) return true;
  } finally {
    clearTimeout(timer);
  }
  if (!over.signal.aborted) throw new PodrunError("DaemonUnreachable", "the podrun daemon left while this was waiting");
  return false;
}
