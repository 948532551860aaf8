// Waiting until an object, but a pod, is in a state.
import type { ObjectClient, OtherKind, OtherObject } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";

export interface WaitOptions {
  readonly kind: OtherKind;
  readonly namespace: string;
  readonly name: string;
  /** Undefined: for ever. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** Shows each state of the object, undefined for none, until one will do. False: the time was over. A daemon that dies meanwhile is started anew. */
export async function waitObject(
  client: ObjectClient,
  options: WaitOptions,
  isEnough: (object: OtherObject | undefined) => boolean,
): Promise<boolean> {
  const { kind, namespace, name, timeoutMs } = options;
  // Only whole milliseconds are taken.
  const over = timeoutMs === undefined ? [] : [AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), 2 ** 31 - 1))];
  const signal = AbortSignal.any([options.signal, ...over]);
  for (;;) {
    // Before the look: what happens after it is then told.
    const resourceVersion = await client.resourceVersion(kind);
    if (isEnough(await client.find(options.kind, options.namespace, options.name))) return true;
    if (signal.aborted) return false;
    const query = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion };
    try {
      for await (const { type, object } of client.watch(kind, query, signal))
        if (isEnough(type === "DELETED" ? undefined : object)) return true;
    } catch (error) {
      const isExpired = error instanceof ApiError && error.status.reason === "Expired";
      const isBroken = error instanceof PodrunError && error.code === "DaemonUnreachable";
      if (!isExpired && !isBroken) throw error;
    }
    if (signal.aborted) return false;
  }
}
