// Holds `get pods -o wide` to the rows of Kubernetes' own printer, and quantities to its one way of writing them (`npm run oracle`).
import t from "tap";
import { readKubeObject } from "../../../src/spec/decode.ts";
import type { Pod } from "../../../src/spec/pod.ts";
import { POD_COLUMNS, podRow } from "../../../src/spec/pod-row.ts";
import { canonicalQuantity } from "../../../src/spec/quantity.ts";
import { makeObject, type Settings } from "./cases/case.ts";
import { POD } from "./cases/pods.ts";
import { STATUS_CASES } from "./cases/statuses.ts";
import { readAnswers, type TableAnswer } from "./recorded.ts";

const NOW = 1_800_000_000_000;

/** Why a row is another: the reasons of a status that only clusters have, and that podrun says more plainly. */
const OTHERWISE: readonly { readonly status: string; readonly because: string }[] = [
  { status: "NodeLost", because: "there is no node that could be lost" },
  { status: "Evicted", because: "that its containers were made to end is what one wants to know" },
];

t.test("a pod's row is what kubectl prints, whatever its status says", async (t) => {
  const answers = readAnswers<TableAnswer>("pod-rows");
  t.same(
    answers.map(({ set }) => set),
    JSON.parse(JSON.stringify(STATUS_CASES)),
    "recorded anew with npm run oracle",
  );
  t.same(
    POD_COLUMNS.map(({ name, isWide }) => `${isWide ? "+" : ""}${name}`),
    answers[0]?.columns,
  );
  const met = new Set<string>();
  for (const [index, set] of STATUS_CASES.entries()) {
    const pod = podWith(set);
    const row = podRow(pod, { now: NOW + 500, node: "here" });
    const wanted = answers[index]?.row;
    const known = OTHERWISE.find(({ status }) => pod.status.reason === status);
    if (JSON.stringify(row) !== JSON.stringify(wanted) && known !== undefined) met.add(known.status);
    else t.same(row, wanted, JSON.stringify(pod.status));
  }
  for (const { status, because } of OTHERWISE) t.ok(met.has(status), because);
});

t.test("a quantity is written as Kubernetes writes it", async (t) => {
  for (const [text, wanted] of readAnswers<[string, string | null]>("quantities")) {
    // The API server leaves some that are short already as they are; and it takes "Mi" and " 1" for 0 and 1, which podrun refuses.
    const isOdd = wanted === text || text.trim() !== text || /^[-+.]?([A-Za-z]+)?$/.test(text);
    if (wanted !== null && !isOdd) t.equal(canonicalQuantity(text), wanted, text);
    else if (wanted === null) t.throws(() => canonicalQuantity(text), text);
  }
});

/** "@-90" is the time 90 seconds before now. */
function podWith(set: Settings): Pod {
  const text = JSON.stringify(makeObject(POD, set)).replace(/"@(-?\d+)"/g, (_, seconds) =>
    JSON.stringify(new Date(NOW + Number(seconds) * 1000).toISOString().replace(/\.\d+/, "")),
  );
  const { status, metadata, ...rest } = JSON.parse(text);
  const { object } = readKubeObject({ ...rest, metadata: { name: "web" } });
  return { ...(object as Pod), metadata: { ...(object as Pod).metadata, ...metadata }, status };
}
