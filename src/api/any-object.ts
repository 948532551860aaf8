// Objects of every kind alike: pods, the node and those that are only kept have a service each.
import { PodrunError } from "../base/errors.ts";
import type { KindName } from "../spec/kinds.ts";
import type { FieldSet } from "../spec/metadata.ts";
import type { KubeObject } from "../spec/pod.ts";
import type { ApiContext } from "./context.ts";

export interface ObjectPlace {
  readonly kind: KindName;
  readonly namespace: string;
  readonly name: string;
}

type Services = Pick<ApiContext, "pods" | "objects" | "node">;

/** Throws NotFound. */
export function getObject({ pods, objects, node }: Services, { kind, namespace, name }: ObjectPlace): KubeObject {
  if (kind === "Pod") return pods.get(namespace, name);
  return kind === "Node" ? node.get(name) : objects.get(kind, namespace, name);
}

/** As {@link getObject}; undefined: there is none. */
export function findObject(services: Services, place: ObjectPlace): KubeObject | undefined {
  try {
    return getObject(services, place);
  } catch (error) {
    if (error instanceof PodrunError && error.code === "NotFound") return undefined;
    throw error;
  }
}

/** Throws AlreadyExists, InvalidObject, and Forbidden for another node: there is one. */
export function createObject(
  { pods, objects, node }: Services,
  object: KubeObject,
  options: { readonly dryRun: boolean },
): KubeObject | Promise<KubeObject> {
  if (object.kind === "Pod") return pods.create(object, options);
  return object.kind === "Node" ? node.create(object) : objects.create(object, options);
}

/** What the object lacks is taken away. Throws Conflict, InvalidObject. */
export function replaceObject(
  { pods, objects, node }: Services,
  object: KubeObject,
  options: { readonly dryRun: boolean; readonly applied?: FieldSet },
): KubeObject | Promise<KubeObject> {
  if (object.kind === "Pod") return pods.replace(object, options);
  return object.kind === "Node" ? node.replace(object, options) : objects.replace(object, { ...options, exact: true });
}
