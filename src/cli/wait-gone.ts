// Waiting until an object of a kept kind is gone: namespaces go when what is in them has gone.
import type { KeptKind, ObjectClient } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";

export interface GoneOptions {
  readonly kind: KeptKind;
  readonly namespace: string;
  readonly name: string;
  /** Another object of the same name is not the one that is waited for. */
  readonly uid: string;
  /** Undefined: for ever. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
}

/** False: the time was over. A daemon that dies meanwhile is started anew and asked again. */
export async function waitObjectGone(client: ObjectClient, options: GoneOptions): Promise<boolean> {
  const { kind, namespace, name, uid, timeoutMs } = options;
  const over = timeoutMs === undefined ? [] : [AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1))];
  const signal = AbortSignal.any([options.signal, ...over]);
  for (;;) {
    // Before the look: what happens after it is then told.
    const resourceVersion = await client.resourceVersion(kind);
    if ((await uidOf(client, options)) !== uid) return true;
    if (signal.aborted) return false;
    const query = { namespace, fieldSelector: `metadata.name=${name}`, resourceVersion };
    try {
      for await (const { type } of client.watch(kind, query, signal)) if (type === "DELETED") return true;
    } catch (error) {
      const isExpired = error instanceof ApiError && error.status.reason === "Expired";
      const isBroken = error instanceof PodrunError && error.code === "DaemonUnreachable";
      if (!isExpired && !isBroken) throw error;
    }
    if (signal.aborted) return false;
  }
}

async function uidOf(client: ObjectClient, { kind, namespace, name }: GoneOptions): Promise<string | undefined> {
  try {
    return (await client.get(kind, namespace, name)).metadata.uid;
  } catch (error) {
    if (error instanceof ApiError && error.status.reason === "NotFound") return undefined;
    throw error;
  }
}
