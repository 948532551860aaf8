// The rules of namespaces, for all that lies in one (Kubernetes: the admission plugin NamespaceLifecycle).
import { PodrunError } from "../base/errors.ts";
import { PERMANENT_NAMESPACES } from "../spec/index.ts";
import type { ObjectSource } from "./types.ts";

/** Something new may come into a namespace only while it exists and is not going. Throws NotFound, Forbidden. */
export function requireNamespace(objects: ObjectSource, name: string): void {
  // They exist always, and a pod's start need not ask the disk for them.
  if (PERMANENT_NAMESPACES.includes(name)) return;
  const namespace = objects.find("Namespace", "", name);
  const details = { kind: "namespaces", name };
  if (namespace === undefined) throw new PodrunError("NotFound", `namespaces "${name}" not found`, { details });
  if (namespace.status.phase === "Terminating")
    throw new PodrunError(
      "Forbidden",
      `unable to create new content in namespace ${name} because it is being terminated`,
      { details },
    );
}

/** Throws Forbidden for those that must always be there. */
export function requireDeletable(name: string): void {
  if (!PERMANENT_NAMESPACES.includes(name)) return;
  throw new PodrunError("Forbidden", `namespaces "${name}" is forbidden: this namespace may not be deleted`, {
    details: { kind: "namespaces", name },
  });
}
