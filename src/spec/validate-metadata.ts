import type { ObjectMeta } from "./metadata.ts";
import { invalid, type Problem } from "./problem.ts";

/** All annotations of an object together, in bytes (TotalAnnotationSizeLimitB). */
const ANNOTATIONS_LIMIT = 256 * 1024;

/** Rules of metadata that concern more than one field, the same for every kind. */
export function validateMetadata(metadata: ObjectMeta): Problem[] {
  const problems: Problem[] = [];
  if (metadata.name === "" && metadata.generateName === undefined) {
    problems.push(invalid("metadata.name", "required, but missing; write a name, or generateName for a random one"));
  }
  const size = Object.entries(metadata.annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key + value),
    0,
  );
  if (size > ANNOTATIONS_LIMIT) {
    problems.push(invalid("metadata.annotations", `${size} bytes in all; ${ANNOTATIONS_LIMIT} are the most`));
  }
  return problems;
}
