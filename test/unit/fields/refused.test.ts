// The truth of "refused", "not applicable", "supported in part" and "ignored" in docs/fields.md.
import t from "tap";
import { stringify } from "yaml";
import type { PodrunError } from "../../../src/base/errors.ts";
import { decodeManifests, decodePod } from "../../../src/spec/index.ts";
import { KUBERNETES_FIELDS } from "../../../src/spec/schema/kubernetes.gen.ts";
import type { Row } from "../../../src/spec/schema/shape.ts";
import { podWith } from "./samples.ts";
import { type Place, put, typesOf } from "./walk.ts";

/** Stands where a refused field's value would, so that its line can be found. */
const MARK = "marked-value";

/** What a manifest with the value at that place is told about it; fails when it is taken. */
function refusal(place: Place, value: unknown): { readonly said: readonly string[]; readonly line: number } {
  const raw = podWith(place);
  put(raw, place, MARK);
  const marked = stringify(raw).split("\n");
  const line = marked.findIndex((text) => text.includes(MARK)) + 1;
  const text = stringify(raw).replace(MARK, JSON.stringify(value));
  try {
    decodeManifests(Buffer.from(text), "pod.yaml");
    return { said: [], line };
  } catch (error) {
    const { code, details } = error as PodrunError;
    const said = (details["problems"] as string[] | undefined) ?? [String(error)];
    return { said: said.map((one) => `${code} ${one}`), line };
  }
}

const pathOf = (place: Place): string =>
  place
    .map((step) => (typeof step === "number" ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `["${step}"]`))
    .join("")
    .slice(1);

t.test("what Kubernetes has and podrun lacks is refused by its name, file and line", async (t) => {
  let count = 0;
  for (const { type, place } of typesOf().values()) {
    const missing = new Set([
      ...Object.keys({ ...type.refused, ...type.notApplicable }),
      ...(KUBERNETES_FIELDS[type.name]?.split(" ") ?? []).filter((key) => !Object.hasOwn(type.fields, key)),
    ]);
    for (const key of missing) {
      count++;
      const { said, line } = refusal([...place, key], MARK);
      const start = `UnsupportedField pod.yaml:${line}: ${pathOf([...place, key])}: `;
      const mine = said.filter((text) => text.startsWith(start));
      t.equal(mine.length, 1, `${start} ${said.join(" | ")}`);
      t.match(mine[0], /: (podrun does not support this field; \w|has no meaning in podrun: .*; remove it)/);
    }
  }
  t.ok(count > 30, `${count} fields`);
});

/** A value that Kubernetes has and `only` leaves out. */
function otherValue(row: Row): unknown {
  if (row.kind === "flag") return !row.only?.[0];
  const values = row.kind === "text" ? row.values : undefined;
  return values?.find((value) => !row.only?.includes(value)) ?? "another";
}

t.test("values that podrun lacks are refused by the field's name, file and line", async (t) => {
  const rows = [...typesOf().values()].flatMap(({ type, place }) =>
    Object.entries(type.fields).map(([key, row]) => ({ row, place: [...place, key] })),
  );
  for (const { row, place } of rows.filter(({ row }) => row.only !== undefined)) {
    const { said, line } = refusal(place, otherValue(row));
    const start = `UnsupportedField pod.yaml:${line}: ${pathOf(place)}: `;
    t.ok(
      said.some((text) => text.startsWith(start) && /is not supported.*podrun supports/.test(text)),
      `${start} ${said.join(" | ")}`,
    );
  }
});

t.test("what only podrun writes is taken and dropped, and every other name is unknown", async (t) => {
  for (const { type, place } of typesOf().values()) {
    for (const [key, row] of Object.entries(type.fields).filter(([, row]) => row.kind === "ignored" || row.server)) {
      const raw = podWith([...place, key]);
      put(raw, [...place, key], { anything: 1 });
      const pod = decodePod(raw) as unknown as Record<string, unknown>;
      if (key !== "status") t.notMatch(JSON.stringify(pod), "anything", `${type.name}.${key} ${row.kind}`);
    }
    const { said, line } = refusal([...place, "zzzzzz"], MARK);
    const start = `pod.yaml:${line}: ${pathOf([...place, "zzzzzz"])}: unknown field`;
    t.ok(
      said.some((text) => text.includes(start)),
      `${type.name}: ${said.join(" | ")}`,
    );
  }
});
