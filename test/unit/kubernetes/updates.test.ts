// Holds podrun to what Kubernetes' own code allows to change (`npm run oracle` records it).
import t from "tap";
import { readKubeObject } from "../../../src/spec/decode.ts";
import {
  type KubeObject,
  validateClaimUpdate,
  validateClassUpdate,
  validateConfigMapUpdate,
  validateEphemeralUpdate,
  validatePodResize,
  validatePodUpdate,
  validatePriorityClassUpdate,
  validateSecretUpdate,
  validateVolumeUpdate,
} from "../../../src/spec/index.ts";
import type { Problem } from "../../../src/spec/problem.ts";
import { makeObject } from "./cases/case.ts";
import { UPDATE_GROUPS, type Update } from "./cases/updates.ts";
import { type Deviation, UPDATES } from "./deviations.ts";
import { readAnswers, type UpdateAnswer } from "./recorded.ts";

const met = new Set<Deviation>();

for (const [name, updates] of Object.entries(UPDATE_GROUPS))
  t.test(`${name} are allowed as by Kubernetes' API server`, async (t) => {
    const answers = readAnswers<UpdateAnswer>(name);
    const asked = updates.map(({ old, set }) => ({ old, set }));
    t.same(
      answers.map(({ old, set }) => ({ old, set })),
      JSON.parse(JSON.stringify(asked)),
      "npm run oracle",
    );
    for (const [index, update] of updates.entries()) {
      const theirs = answers[index]?.problems ?? [];
      const ours = problemsOf(update).map(({ path, text }) => `${path} ${text}`);
      if (theirs.length > 0 === ours.length > 0) continue;
      const lines = ours.length > 0 ? ours : theirs;
      const known = UPDATES.filter(({ where }) => lines.some((line) => where.test(line)));
      for (const deviation of known) met.add(deviation);
      t.ok(
        known.length > 0,
        `${JSON.stringify(update.set)}: ${ours.length > 0 ? "only podrun" : "only Kubernetes"} refuses it: ${lines}`,
      );
    }
  });

t.test("each known deviation is met by a case", async (t) => {
  for (const deviation of UPDATES) t.ok(met.has(deviation), deviation.because);
});

function problemsOf({ base, old, set, subresource }: Update): readonly Problem[] {
  const given = JSON.parse(JSON.stringify(makeObject(base, old)));
  const before = readKubeObject(given);
  const after = readKubeObject(JSON.parse(JSON.stringify(makeObject(base, set))));
  if (before.object === undefined || after.object === undefined) return [...before.problems, ...after.problems];
  if (given.status !== undefined) Object.assign(before.object, { status: given.status });
  return validate(before.object, after.object, subresource);
}

function validate(before: KubeObject, after: KubeObject, subresource: Update["subresource"]): readonly Problem[] {
  if (before.kind === "Pod" && after.kind === "Pod") {
    if (subresource === "resize") return validatePodResize(before, after);
    if (subresource === "ephemeralcontainers") return validateEphemeralUpdate(before.spec, after.spec);
    return validatePodUpdate(before, after);
  }
  if (before.kind === "ConfigMap" && after.kind === "ConfigMap") return validateConfigMapUpdate(before, after);
  if (before.kind === "Secret" && after.kind === "Secret") return validateSecretUpdate(before, after);
  if (before.kind === "PersistentVolume" && after.kind === "PersistentVolume")
    return validateVolumeUpdate(before, after);
  if (before.kind === "StorageClass" && after.kind === "StorageClass") return validateClassUpdate(before, after);
  if (before.kind === "PriorityClass" && after.kind === "PriorityClass")
    return validatePriorityClassUpdate(before, after);
  if (before.kind === "PersistentVolumeClaim" && after.kind === "PersistentVolumeClaim")
    return validateClaimUpdate(before, after, true);
  return [];
}
