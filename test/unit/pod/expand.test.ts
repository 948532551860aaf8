import t from "tap";
import { expandVariables } from "../../../src/pod/expand.ts";

const lookup = (name: string): string | undefined => ({ A: "1", EMPTY: "", "x.y": "dotted" })[name];

t.test("known names are replaced, also by an empty value", async (t) => {
  t.equal(expandVariables("$(A)-$(EMPTY)-$(x.y)", lookup), "1--dotted");
});

t.test("unknown names stay as they stand", async (t) => {
  t.equal(expandVariables("$(NOPE) $A ${A}", lookup), "$(NOPE) $A ${A}");
});

t.test("a doubled dollar sign is one, and guards what follows", async (t) => {
  t.equal(expandVariables("$$(A) $$$(A) $$", lookup), "$(A) $1 $");
});

t.test("an open bracket without its end stays", async (t) => {
  t.equal(expandVariables("$(A", lookup), "$(A");
  t.equal(expandVariables("cost: $", lookup), "cost: $");
});

t.test("a value is not expanded a second time", async (t) => {
  t.equal(expandVariables("$(B)", (name) => (name === "B" ? "$(A)" : "no")), "$(A)");
});
