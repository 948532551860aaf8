// Holds strategic merge patches to what Kubernetes' own code makes of them (`npm run oracle` records it).
import t from "tap";
import { strategicMerge } from "../../../src/api/strategic-merge.ts";
import { PATCHED, PATCHES } from "./cases/patches.ts";
import { type MergeAnswer, readAnswers } from "./recorded.ts";

/** Why a patch makes something else. */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  [
    JSON.stringify({ spec: { containers: [{ name: "main", $patch: "replace", image: "z" }] } }),
    "one element is replaced, where Kubernetes takes all of them away",
  ],
  [
    JSON.stringify({ spec: { affinity: { nodeAffinity: { $patch: "replace" } } } }),
    "an object that is replaced by nothing is empty, and says the same",
  ],
  [
    JSON.stringify({ $patch: "merge", metadata: { labels: { a: "9" } } }),
    "merge is what happens anyway, and Kubernetes' documentation has it",
  ],
]);

t.test("a strategic merge patch makes of a pod what the API server makes of it", async (t) => {
  const answers = readAnswers<MergeAnswer>("patches");
  t.same(
    answers.map(({ patch }) => patch),
    PATCHES,
    "recorded anew with npm run oracle",
  );
  for (const { patch, merged } of answers) {
    const because = OTHERWISE.get(JSON.stringify(patch));
    if (because !== undefined) t.notSame(outcome(patch), merged, because);
    else t.strictSame(outcome(patch), merged, JSON.stringify(patch));
  }
});

/** Null: refused. */
function outcome(patch: object): unknown {
  try {
    return JSON.parse(JSON.stringify(strategicMerge(PATCHED, patch)));
  } catch {
    return null;
  }
}
