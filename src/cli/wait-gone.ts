// Waiting until an object of a kept kind is gone: namespaces go when what is in them has gone.
import type { ObjectClient } from "../api/client-objects.ts";
import { type WaitOptions, waitObject } from "./wait-object.ts";

export interface GoneOptions extends WaitOptions {
  /** Another object of the same name is not the one that is waited for. */
  readonly uid: string;
}

/** False: the time was over. */
export const waitObjectGone = (client: ObjectClient, options: GoneOptions): Promise<boolean> =>
  waitObject(client, options, (object) => object?.metadata.uid !== options.uid);
