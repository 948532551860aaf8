// Holds label selectors and JSONPath templates to what Kubernetes' own code makes of them (`npm run oracle` records it).
import t from "tap";
import { evaluateTemplate } from "../../../src/cli/output/jsonpath.ts";
import { parseLabelSelector } from "../../../src/spec/labels.ts";
import { LABEL_SETS, TEMPLATE_OBJECT } from "./cases/words.ts";
import { readAnswers } from "./recorded.ts";

/** Why a template prints something else. */
const OTHERWISE: Readonly<Record<string, string>> = {
  "{.nothing}": "a field that is null is as none, as in a table",
  '{.map["a"]}': "double quotes are taken as single ones are",
  "{.items[?(@.size==1.0)].name}": "1.0 is 1",
  "{.}": "the object itself, as with @",
  "{['dotted.name/x']}": "a quoted name may have dots in it",
  "{range .items[*]}": "a range that does not end is a mistake",
};

t.test("a label selector takes and refuses what kubectl's does", async (t) => {
  for (const [text, wanted] of readAnswers<[string, string | null]>("selectors")) {
    if (wanted === null) t.throws(() => parseLabelSelector(text), { code: "BadRequest" }, JSON.stringify(text));
    else t.equal(LABEL_SETS.map((labels) => (parseLabelSelector(text)(labels) ? "1" : "0")).join(""), wanted, text);
  }
});

t.test("a JSONPath template prints what kubectl's does", async (t) => {
  for (const [text, wanted] of readAnswers<[string, string | null]>("templates")) {
    const because = OTHERWISE[text];
    if (because !== undefined) t.not(outcome(text), wanted, because);
    else t.equal(outcome(text), wanted, text);
  }
});

/** Null: refused. */
function outcome(template: string): string | null {
  try {
    return evaluateTemplate(template, TEMPLATE_OBJECT);
  } catch {
    return null;
  }
}
