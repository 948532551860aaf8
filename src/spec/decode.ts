import { isJsonObject } from "../base/json.ts";
import { checkKind } from "./check-kind.ts";
import { readConfigMap } from "./decode-config-map.ts";
import { readNamespace } from "./decode-namespace.ts";
import { readNode } from "./decode-node.ts";
import { type Decoding, decodeObject, newDecoding } from "./decode-object.ts";
import { readPriorityClass } from "./decode-priority-class.ts";
import { readSecret } from "./decode-secret.ts";
import { readPersistentVolume, readPersistentVolumeClaim, readStorageClass } from "./decode-storage.ts";
import { defaultPod } from "./defaults.ts";
import type { KindName } from "./kinds.ts";
import type { KubeObject, Pod } from "./pod.ts";
import { type Reading, type Source, throwProblems } from "./problem.ts";
import { POD } from "./schema/pod-fields.ts";
import { validatePod } from "./validate-pod.ts";

/**
 * A pod from a manifest's document or a request's body: strictly checked, defaulted, validated. Unknown and unsupported
 * fields, wrong types and broken rules are all found in one run. `status` is dropped, for only podrun writes it; `uid`,
 * `resourceVersion` and `creationTimestamp` are "" when absent. Throws a PodrunError with the code of the first problem and
 * all of them in `details.problems`, each with file and line when a source is given.
 */
export function decodePod(raw: unknown, source?: Source): Pod {
  return decodeKind("Pod", raw, source) as Pod;
}

/** An object of any kind that podrun takes; else as {@link decodePod}. */
export function decodeKubeObject(raw: unknown, source?: Source): KubeObject {
  const { object, problems } = readKubeObject(raw);
  throwProblems(problems, source);
  return object as KubeObject;
}

/** An object of one kind; another kind is refused. Else as {@link decodePod}. */
export function decodeKind(kind: KindName, raw: unknown, source?: Source): KubeObject {
  const { object, problems } = readKubeObject(raw, [kind]);
  throwProblems(problems, source);
  return object as KubeObject;
}

/** The object, or its problems. `wanted`: the kinds that may come, all of podrun's by default. */
export function readKubeObject(raw: unknown, wanted?: readonly KindName[]): Reading<KubeObject> {
  const wrongKind = isJsonObject(raw) ? checkKind(raw, wanted) : undefined;
  if (wrongKind !== undefined) return { problems: [wrongKind] };
  const kind = isJsonObject(raw) ? (raw["kind"] as KindName) : "Pod";
  return READERS[kind](raw);
}

const READERS: Readonly<Record<KindName, (raw: unknown) => Reading<KubeObject>>> = {
  ConfigMap: readConfigMap,
  Namespace: readNamespace,
  Node: readNode,
  PersistentVolume: readPersistentVolume,
  PersistentVolumeClaim: readPersistentVolumeClaim,
  Pod: readPod,
  PriorityClass: readPriorityClass,
  Secret: readSecret,
  StorageClass: readStorageClass,
};

function readPod(raw: unknown): Reading<Pod> {
  const decoding: Decoding = newDecoding();
  const decoded = decodeObject(POD, raw, "", decoding) as unknown as Pod;
  if (!decoding.sound) return { problems: decoding.problems };
  decoded.status = { phase: "Pending" };
  const pod = defaultPod(decoded);
  const problems = [...decoding.problems, ...validatePod(pod)];
  return problems.length > 0 ? { problems } : { object: pod, problems };
}
