// Waiting until an object is gone: pods when they have ended, namespaces when what is in them has gone.
import type { ApiClient } from "../api/client.ts";
import type { ObjectClient } from "../api/client-objects.ts";
import type { Pod } from "../spec/pod.ts";
import { followPod } from "./follow.ts";
import { type WaitOptions, waitObject } from "./wait-object.ts";

export interface GoneOptions extends WaitOptions {
  /** Another object of the same name is not the one that is waited for. */
  readonly uid: string;
}

/** False: the time was over. */
export const waitObjectGone = (client: ObjectClient, options: GoneOptions): Promise<boolean> =>
  waitObject(client, options, (object) => object?.metadata.uid !== options.uid);

/**
 * False: the time was over. Another pod of the same name is not the one we wait for; a static pod that comes again has its uid
 * again, but no mark. `timeoutMs` undefined: for ever.
 */
export function waitPodGone(
  client: ApiClient,
  pod: Pod,
  signal: AbortSignal,
  timeoutMs: number | undefined,
): Promise<boolean> {
  const { namespace, name, uid } = pod.metadata;
  return followPod(
    client,
    { namespace, name, timeoutMs, signal },
    (now) => now?.metadata.uid !== uid || !now.metadata.deletionTimestamp,
  );
}
