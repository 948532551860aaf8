// Holds the tables of `get` for all kinds but pods to Kubernetes' own printer (`npm run oracle` records its rows).
import t from "tap";
import type { OtherKind, OtherObject } from "../../../src/api/client-objects.ts";
import { columnsOf } from "../../../src/cli/get-objects.ts";
import { TABLE_CASES } from "./cases/tables.ts";
import { readAnswers, type TableAnswer } from "./recorded.ts";

t.test("every kind's row is what kubectl prints, with -o wide too", async (t) => {
  const answers = readAnswers<TableAnswer>("tables");
  t.equal(answers.length, TABLE_CASES.length, "recorded anew with npm run oracle");
  for (const [index, given] of TABLE_CASES.entries()) {
    const text = JSON.stringify(given).replace(/"@(-\d+)"/g, (_, seconds) =>
      JSON.stringify(new Date(Date.now() + Number(seconds) * 1000).toISOString()),
    );
    const object = JSON.parse(text) as OtherObject;
    const { columns = [], row } = answers[index] as TableAnswer;
    const plain = columnsOf(object.kind as OtherKind, false);
    const wide = columnsOf(object.kind as OtherKind, true);
    t.same(
      wide.map(([heading], at) => `${at < plain.length ? "" : "+"}${heading}`),
      columns.map((heading) => heading.toUpperCase()),
    );
    t.same(
      wide.map(([, cell]) => cell(object)),
      row,
      text,
    );
  }
});
