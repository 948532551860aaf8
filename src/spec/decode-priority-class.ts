import { withoutEmptyNamespace } from "./decode-namespace.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import { type PriorityClass, validatePriorityClass } from "./priority-class.ts";
import type { Reading } from "./problem.ts";
import { PRIORITY_CLASS } from "./schema/priority-class-fields.ts";
import { validateMetadata } from "./validate-metadata.ts";

/** A PriorityClass, or its problems. */
export function readPriorityClass(raw: unknown): Reading<PriorityClass> {
  const decoding = newDecoding();
  const object = decodeObject(PRIORITY_CLASS, withoutEmptyNamespace(raw), "", decoding) as unknown as PriorityClass;
  if (!decoding.sound) return { problems: decoding.problems };
  object.metadata = defaultMetadata({ ...object.metadata, namespace: "" });
  const problems = [...decoding.problems, ...validateMetadata(object.metadata), ...validatePriorityClass(object)];
  return problems.length > 0 ? { problems } : { object, problems };
}
