import { PodrunError } from "../base/errors.ts";
import { decodeKind } from "../spec/decode.ts";
import { isClusterScoped, type KindName } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";

/** Decodes a body for the path it was sent to: a namespace or name that is absent is the path's, another one is refused. */
export function decodeInto<K extends KindName>(
  kind: K,
  raw: unknown,
  namespace: string,
  name?: string,
): Extract<KubeObject, { kind: K }> {
  const object = decodeKind(kind, isClusterScoped(kind) ? raw : withNamespace(raw, namespace)) as Extract<
    KubeObject,
    { kind: K }
  >;
  const { metadata } = object;
  if (metadata.namespace !== namespace)
    throw new PodrunError(
      "BadRequest",
      `the namespace of the provided object does not match the namespace sent on the request: "${metadata.namespace}" and "${namespace}"`,
    );
  if (name !== undefined && metadata.name !== name)
    throw new PodrunError(
      "BadRequest",
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  return object;
}

function withNamespace(raw: unknown, namespace: string): unknown {
  if (typeof raw !== "object" || raw === null) return raw;
  const metadata: unknown = Reflect.get(raw, "metadata");
  if (typeof metadata !== "object" || metadata === null || Reflect.get(metadata, "namespace") !== undefined) return raw;
  return { ...raw, metadata: { ...metadata, namespace } };
}
