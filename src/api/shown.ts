import { isClusterScoped } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";

/** As the API shows it: what lies in no namespace names none. */
export function shown<T extends KubeObject>(object: T): T {
  if (!isClusterScoped(object.kind)) return object;
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata } as T;
}
