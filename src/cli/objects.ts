import { ObjectClient } from "../api/client-objects.ts";
import { requireRoot } from "../api/connect.ts";
import type { Config } from "../base/config.ts";

/** A client for objects of any kind. Throws NotRoot. */
export function connectObjects(config: Config): ObjectClient {
  requireRoot();
  return new ObjectClient(config);
}
