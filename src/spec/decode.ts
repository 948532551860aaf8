import { type Decoding, decodeObject, isObject, newDecoding } from "./decode-object.ts";
import { defaultPod } from "./defaults.ts";
import { checkKind } from "./kinds.ts";
import type { Pod } from "./pod.ts";
import { type Problem, type Source, throwProblems } from "./problem.ts";
import { POD } from "./schema/pod-fields.ts";
import { validatePod } from "./validate-pod.ts";

/**
 * A pod from a manifest's document or a request's body: strictly checked, defaulted, validated. Unknown and unsupported
 * fields, wrong types and broken rules are all found in one run. `status` is dropped, for only podrun writes it; `uid`,
 * `resourceVersion` and `creationTimestamp` are "" when absent. Throws a PodrunError with the code of the first problem and
 * all of them in `details.problems`, each with file and line when a source is given.
 */
export function decodePod(raw: unknown, source?: Source): Pod {
  const { pod, problems } = readPod(raw);
  throwProblems(problems, source);
  return pod as Pod;
}

/** The decoded, defaulted pod, or its problems; no pod only together with a problem. */
export function readPod(raw: unknown): { pod?: Pod; problems: readonly Problem[] } {
  const wrongKind = isObject(raw) ? checkKind(raw) : undefined;
  if (wrongKind !== undefined) return { problems: [wrongKind] };
  const decoding: Decoding = newDecoding();
  const decoded = decodeObject(POD, raw, "", decoding) as unknown as Pod;
  if (!decoding.sound) return { problems: decoding.problems };
  decoded.status = { phase: "Pending" };
  const pod = defaultPod(decoded);
  const problems = [...decoding.problems, ...validatePod(pod)];
  return problems.length > 0 ? { problems } : { pod, problems };
}
