import { isJsonObject } from "../base/json.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import type { ObjectMeta } from "./metadata.ts";
import { makeNamespace, type Namespace } from "./namespace.ts";
import type { Reading } from "./problem.ts";
import { NAMESPACE } from "./schema/namespace-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";
import { validateMetadata } from "./validate-metadata.ts";

/** A Namespace, or its problems. */
export function readNamespace(raw: unknown): Reading<Namespace> {
  const decoding = newDecoding();
  const decoded = decodeObject(NAMESPACE, withoutEmptyNamespace(raw), "", decoding) as unknown as ObjectValue<
    typeof NAMESPACE
  >;
  if (!decoding.sound) return { problems: decoding.problems };
  const metadata = defaultMetadata({ ...decoded.metadata, namespace: "" } as ObjectMeta);
  const problems = [...decoding.problems, ...validateMetadata(metadata)];
  return problems.length > 0 ? { problems } : { object: makeNamespace(metadata), problems };
}

/** `namespace: ""` is as none (Go's omitempty): it is how podrun itself holds one. */
export function withoutEmptyNamespace(raw: unknown): unknown {
  if (!isJsonObject(raw) || !isJsonObject(raw["metadata"]) || raw["metadata"]["namespace"] !== "") return raw;
  const { namespace: _, ...metadata } = raw["metadata"];
  return { ...raw, metadata };
}
