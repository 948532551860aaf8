// `npm run oracle`: asks Kubernetes' own code (test/oracle, a Go program; the first build fetches some 200 MB of modules) what it
// makes of the cases in test/unit/kubernetes/cases, and writes its answers down. The unit tests replay them without Go.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeObject, type Settings } from "../test/unit/kubernetes/cases/case.ts";
import { GROUPS } from "../test/unit/kubernetes/cases/index.ts";
import { PATCHED, PATCHES } from "../test/unit/kubernetes/cases/patches.ts";
import { POD } from "../test/unit/kubernetes/cases/pods.ts";
import { QUANTITIES } from "../test/unit/kubernetes/cases/resources.ts";
import { STATUS_CASES } from "../test/unit/kubernetes/cases/statuses.ts";
import { TABLE_CASES } from "../test/unit/kubernetes/cases/tables.ts";
import { UPDATE_GROUPS } from "../test/unit/kubernetes/cases/updates.ts";
import { LABEL_SETS, SELECTORS, TEMPLATE_OBJECT, TEMPLATES } from "../test/unit/kubernetes/cases/words.ts";
import { difference } from "../test/unit/kubernetes/difference.ts";
import type { CreateAnswer, Given, MergeAnswer, TableAnswer, UpdateAnswer } from "../test/unit/kubernetes/recorded.ts";

const ROOT = join(import.meta.dirname, "..");
const PROGRAM = join(ROOT, "test/oracle");
const ANSWERS = join(ROOT, "test/unit/kubernetes/answers");

execFileSync("go", ["build", "-o", "oracle", "."], { cwd: PROGRAM, stdio: "inherit" });
mkdirSync(ANSWERS, { recursive: true });

for (const [name, { base, cases }] of Object.entries(GROUPS)) {
  const all: readonly Settings[] = [[], ...cases];
  const objects = all.map((set) => makeObject(base, set));
  const answers = ask(objects.map((object) => ({ ask: "create", object })));
  const records = all.map((set, index) => recordCreation(set, objects[index] as object, answers[index] as Given));
  write(name, [records[0], ...records.slice(1).map((record) => withoutShared(record, records[0]?.adds ?? []))]);
}
for (const [name, updates] of Object.entries(UPDATE_GROUPS)) {
  const questions = updates.map(({ base, subresource = "", old, set }) => {
    return { ask: "update", subresource, old: makeObject(base, old), object: makeObject(base, set) };
  });
  const answers = ask(questions);
  write(
    name,
    updates.map(({ old, set }, index): UpdateAnswer => ({ old, set, problems: problemsOf(answers[index] as Given) })),
  );
}
const tables = ask(STATUS_CASES.map((set) => ({ ask: "table", object: makeObject(POD, set) })));
write(
  "pod-rows",
  tables.map(({ columns, rows }, index): TableAnswer => {
    return { set: STATUS_CASES[index] as Settings, columns, row: rows?.[0]?.map(String) };
  }),
);
const others = ask(TABLE_CASES.map((object) => ({ ask: "table", object })));
write(
  "tables",
  others.map(({ columns, rows }): TableAnswer => ({ columns, row: rows?.[0]?.map(String) })),
);
const quantities = ask(QUANTITIES.map((text) => ({ ask: "quantity", text })));
write(
  "quantities",
  QUANTITIES.map((text, index) => [text, quantities[index]?.text ?? null]),
);

const selectors = ask(SELECTORS.map((text) => ({ ask: "selector", text, object: LABEL_SETS })));
write(
  "selectors",
  SELECTORS.map((text, index) => [text, wordOf(selectors[index] as Given)]),
);
const templates = ask(TEMPLATES.map((text) => ({ ask: "template", text, object: TEMPLATE_OBJECT })));
write(
  "templates",
  TEMPLATES.map((text, index) => [text, wordOf(templates[index] as Given)]),
);

const merges = ask(PATCHES.map((object) => ({ ask: "merge", old: PATCHED, object })));
write(
  "patches",
  merges.map(({ object }, index): MergeAnswer => ({ patch: PATCHES[index] as object, merged: object ?? null })),
);

function recordCreation(set: Settings, object: object, answer: Given): CreateAnswer {
  if (answer.object === undefined) return { set, problems: problemsOf(answer) };
  const qos = (answer.object as { status?: { qosClass?: string } }).status?.qosClass;
  const { requests, limits } = answer;
  const amounts = Object.keys({ ...requests, ...limits }).length === 0 ? {} : { requests, limits };
  return { set, adds: difference(object, answer.object), ...(qos !== undefined && { qos }), ...amounts };
}

/** Null: it was refused. */
function wordOf({ problems, text = "" }: Given): string | null {
  return problems === undefined ? text : null;
}

/** Without what the first of the group has, too. */
function withoutShared(record: CreateAnswer, shared: readonly string[]): CreateAnswer {
  const { adds } = record;
  if (adds === undefined) return record;
  const lacks = shared.filter((line) => !adds.includes(line));
  return { ...record, adds: adds.filter((line) => !shared.includes(line)), ...(lacks.length > 0 && { lacks }) };
}

/** Type and field; the wording is Kubernetes' own. */
function problemsOf({ problems = [] }: Given): string[] {
  return [...new Set(problems.map(({ type, field }) => `${type} ${field}`.trim()))].sort();
}

function ask(questions: readonly object[]): readonly Given[] {
  const input = `${questions.map((question) => JSON.stringify(question)).join("\n")}\n`;
  const run = spawnSync(join(PROGRAM, "oracle"), { input, maxBuffer: 2 ** 30, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`the oracle ended: ${run.stderr}`);
  return run.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** A line for each answer, so that a diff shows what is another. */
function write(name: string, answers: readonly unknown[]): void {
  const lines = answers.map((answer) => JSON.stringify(answer)).join(",\n");
  writeFileSync(join(ANSWERS, `${name}.json`), `[\n${lines}\n]\n`);
  process.stdout.write(`${name}: ${answers.length} answers\n`);
}
