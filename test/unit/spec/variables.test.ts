import t from "tap";
import { expandVariables } from "../../../src/spec/index.ts";

const expand = (text: string): string => expandVariables(text, (name) => ({ A: "one", B: "$(A)", EMPTY: "" })[name]);

t.test("known variables are replaced, unknown references stay", async (t) => {
  t.equal(expand("$(A)"), "one");
  t.equal(expand("x-$(A)-$(A)-y"), "x-one-one-y");
  t.equal(expand("[$(EMPTY)]"), "[]");
  t.equal(expand("$(NOPE) $(A)"), "$(NOPE) one");
});

t.test("a value is not expanded again", async (t) => t.equal(expand("$(B)"), "$(A)"));

t.test("two dollar signs are one, and keep a reference as text", async (t) => {
  t.equal(expand("$$(A)"), "$(A)");
  t.equal(expand("$$$(A)"), "$one");
  t.equal(expand("$$$$(A)"), "$$(A)");
  t.equal(expand("cost: 5$$"), "cost: 5$");
});

t.test("what is no reference stays as it is", async (t) => {
  for (const text of ["$", "$A", "${A}", "$(A", "a$", "$()", "$ (A)"]) t.equal(expand(text), text);
});
