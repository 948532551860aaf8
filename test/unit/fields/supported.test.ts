// The truth of "supported" in docs/fields.md: whoever changes a field's value changes what podrun makes of the pod; or a named
// test holds what shows only later; or the page says that the field decides nothing on one node.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { decodePod } from "../../../src/spec/index.ts";
import { CONTEXTS, placeOf } from "./contexts.ts";
import { NAMED, WITHOUT_EFFECT } from "./named-tests.ts";
import { observe } from "./observe.ts";
import { podWith, samples } from "./samples.ts";
import { type Leaf, leaves, put, typesOf } from "./walk.ts";

const TESTS = join(import.meta.dirname, "../..");
const byName = new Set(NAMED.flatMap(({ fields }) => fields));
const withoutEffect = new Map(
  WITHOUT_EFFECT.map((text) => text.split(":")).map(([field = "", sayer = field]) => [field, sayer]),
);

/** With one right value there is nothing to tell apart. */
const hasChoice = ({ row }: Leaf): boolean => {
  const values = row.only ?? (row.kind === "text" ? row.values : undefined);
  return values === undefined || values.length > 1;
};

/** The pod with one value of the field. */
function podOf({ name, place }: Leaf, value: unknown): object {
  const raw = podWith(place);
  for (const [at, given] of CONTEXTS[name] ?? []) put(raw, placeOf(at), given);
  put(raw, place, value);
  return raw;
}

/** What is refused when a container is made shows the field, too. */
function outcomeOf(raw: object): string {
  try {
    return observe(raw);
  } catch (error) {
    return String(error);
  }
}

t.test("a change of each supported field changes what is made of the pod", async (t) => {
  const tried = leaves().filter((leaf) => hasChoice(leaf) && !byName.has(leaf.name) && !withoutEffect.has(leaf.name));
  t.ok(tried.length > 90, `${tried.length} fields`);
  for (const leaf of tried) {
    const [one, two] = samples(leaf.name, leaf.row).map((value) => podOf(leaf, value));
    // Both must be right, or the difference would be a refusal.
    for (const raw of [one, two]) t.doesNotThrow(() => decodePod(raw), `${leaf.name}: ${JSON.stringify(raw)}`);
    t.not(outcomeOf(one as object), outcomeOf(two as object), `${leaf.name} is read by something`);
  }
});

t.test("every test that is named for a field is there, and has the field in it", async (t) => {
  const known = new Set(leaves().map(({ name }) => name));
  for (const { file, test, fields } of NAMED) {
    const path = join(TESTS, file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    t.ok(text.includes(`t.test("${test}`) || text.includes(`"${test}`), `${file}: ${test}`);
    for (const field of fields) {
      t.ok(known.has(field), `${field} is a supported field`);
      t.ok(text.includes(field.slice(field.indexOf(".") + 1)), `${field} in ${file}`);
    }
  }
});

t.test("a field without an effect is said to be one", async (t) => {
  const types = typesOf();
  for (const [field, sayer] of withoutEffect) {
    const [type = "", key = ""] = sayer.split(".");
    const note = types.get(type)?.type.fields[key]?.note ?? "";
    t.match(note, /without an effect|of no effect|nothing to link/, field);
  }
});
