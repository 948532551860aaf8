import t from "tap";
import { UsageError } from "../../../src/cli/arguments.ts";
import { evaluatePath, evaluateTemplate } from "../../../src/cli/output/jsonpath.ts";

const LIST = {
  kind: "List",
  items: [
    {
      metadata: { name: "a", labels: { "app.kubernetes.io/name": "x" } },
      ip: "1",
      ports: [{ n: 1 }, { n: 2 }],
      ok: true,
    },
    { metadata: { name: "b" }, ip: "2", ports: [{ n: 3 }], ok: false },
  ],
};

const CASES: readonly (readonly [template: string, want: string])[] = [
  ["{.kind}", "List"],
  ["{ .kind }", "List"],
  ["{$.kind}", "List"],
  ["{.items[*].metadata.name}", "a b"],
  ["{.items[0].metadata.name}", "a"],
  ["{.items[-1].metadata.name}", "b"],
  ["{.items[-2].metadata.name}", "a"],
  ["{.items[0:1].metadata.name}", "a"],
  ["{.items[0,1].ip}", "1 2"],
  ["{.items[0]['ip','ok']}", "1 true"],
  ["{.items[0].metadata['labels']}", '{"app.kubernetes.io/name":"x"}'],
  ["{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "x"],
  ['{.items[?(@.ip=="2")].metadata.name}', "b"],
  ["{.items[?(@.ports[0].n>2)].metadata.name}", "b"],
  ["{.items[?(@.metadata.labels)].ip}", "1"],
  ["{.items[?(@.ok==true)].ip}", "1"],
  ["{..name}", "a b"],
  ["{.items[*].ports[*].n}", "1 2 3"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.ip}{"\\n"}{end}', "a\t1\nb\t2\n"],
  ["{range .items[*]}[{range .ports[*]}{.n},{end}]{end}", "[1,2,][3,]"],
  ["name={.items[0].metadata.name}!", "name=a!"],
  ["{'it''s'}{.missing.field}{.items[9:]}", "it''s"],
  ["{.items[0].ports}", '[{"n":1},{"n":2}]'],
  ["{@.kind}", "List"],
  ["plain", "plain"],
  ["", ""],
];

t.test("templates give what kubectl gives", async (t) => {
  for (const [template, want] of CASES) t.equal(evaluateTemplate(template, LIST), want, template);
});

t.test("a template that can't be read is refused, whatever it is applied to", async (t) => {
  for (const template of [
    "{.kind",
    "{.items[}",
    "{range .items[*]}x",
    "{end}",
    "{.items[?(@.ip==2]}",
    "{.a b}",
    "{.items[a]}",
  ])
    t.throws(() => evaluateTemplate(template, LIST), UsageError, template);
});

t.test("a path may stand without braces and without its first dot", async (t) => {
  for (const path of ["{.kind}", ".kind", "kind", "$.kind"]) t.same(evaluatePath(path, LIST), ["List"], path);
});
