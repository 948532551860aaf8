import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { decodeKubeObject, decodeManifests, decodePod } from "../../../src/spec/index.ts";
import { decodeText, EVERYTHING, errorOf, problemsOf, type Raw, rawPod } from "./pods.ts";

t.test("an unknown field is named with its line and the nearest right one", async (t) => {
  const text = [
    "apiVersion: v1",
    "kind: Pod",
    "metadata:",
    "  name: web",
    "spec:",
    "  containers:",
    "  - name: web",
    "    image: x",
    "    imagePullPolcy: Always",
    "",
  ];
  const error = errorOf(() => decodeText(text.join("\n")));
  t.equal(error.code, "UnknownField");
  t.equal(
    error.message,
    'pod.yaml:9: spec.containers[0].imagePullPolcy: unknown field; did you mean "imagePullPolicy"?',
  );
  t.same(error.details["problems"], [error.message]);
  t.equal(error.details["path"], "spec.containers[0].imagePullPolcy");
});

t.test("without a source an error has the path only", async (t) => {
  t.same(problemsOf(rawPod({ container: { prots: [] } })), [
    'spec.containers[0].prots: unknown field; did you mean "ports"?',
  ]);
});

t.test("an unknown field that is near to nothing lists what there is", async (t) => {
  t.same(problemsOf(rawPod({ spec: { hostAliases: [{ ip: "10.0.0.1", qqqqqqq: 1 }] } })), [
    "spec.hostAliases[0].qqqqqqq: unknown field; HostAlias has ip, hostnames",
  ]);
  t.match(problemsOf(rawPod({ spec: { constructor: 1 } })), [/^spec\.constructor: unknown field/]);
  t.match(problemsOf(rawPod({ spec: { "a b": 1 } })), [/^spec\["a b"\]: unknown field/]);
});

t.test("a name that Kubernetes writes in another case is unknown, with the right one", async (t) => {
  t.same(problemsOf(rawPod({ spec: { hostnetwork: true } })), [
    'spec.hostnetwork: unknown field; did you mean "hostNetwork"?',
  ]);
});

t.test("Kubernetes' fields that podrun lacks are refused as unsupported, by name", async (t) => {
  const cases: [string, Parameters<typeof rawPod>[0]][] = [
    ["spec.overhead", { spec: { overhead: {} } }],
    ["spec.securityContext.windowsOptions", { spec: { securityContext: { windowsOptions: {} } } }],
    ["spec.volumes[0].nfs", { spec: { volumes: [{ name: "a", nfs: { server: "b" } }] } }],
    ["metadata.ownerReferences", { metadata: { ownerReferences: [] } }],
    [
      "spec.containers[0].resources.limits.hugepages-64Ki",
      { container: { resources: { limits: { "hugepages-64Ki": "64Ki" } } } },
    ],
    ["spec.resources.limits.ephemeral-storage", { spec: { resources: { limits: { "ephemeral-storage": "1Gi" } } } }],
    [
      'spec.containers[0].resources.limits["nvidia.com/gpu"]',
      { container: { resources: { limits: { "nvidia.com/gpu": 1 } } } },
    ],
  ];
  for (const [path, parts] of cases) {
    const error = errorOf(() => decodePod(rawPod(parts)));
    const mine = (error.details["problems"] as string[]).filter((line) => line.startsWith(`${path}: `));
    t.equal(error.code, "UnsupportedField", path);
    t.equal(mine.length, 1, `${path}: ${error.message}`);
    t.match(mine[0], /does not support this field; \w|has no meaning in podrun: .*; remove it/);
  }
});

t.test(
  "values of Kubernetes that podrun lacks are refused as unsupported, and the supported one is named",
  async (t) => {
    const cases: [string, Parameters<typeof rawPod>[0]][] = [
      ['spec.schedulerName: "mine" is not supported', { spec: { schedulerName: "mine" } }],
      ["spec.automountServiceAccountToken: true is not supported", { spec: { automountServiceAccountToken: true } }],
      ['spec.serviceAccountName: "robot" is not supported', { spec: { serviceAccountName: "robot" } }],
      ['spec.os.name: "windows" is not supported', { spec: { os: { name: "windows" } } }],
    ];
    for (const [start, parts] of cases) {
      const error = errorOf(() => decodePod(rawPod(parts)));
      t.equal(error.code, "UnsupportedField", start);
      t.ok(error.message.startsWith(start), error.message);
      t.match(error.message, /podrun supports /);
    }
    t.doesNotThrow(() =>
      decodePod(
        rawPod({
          spec: {
            schedulerName: "default-scheduler",
            automountServiceAccountToken: false,
            serviceAccountName: "default",
            os: { name: "linux" },
            setHostnameAsFQDN: false,
          },
        }),
      ),
    );
  },
);

t.test("wrong types are named with what would be right", async (t) => {
  const cases: [string, Parameters<typeof rawPod>[0]][] = [
    [
      'spec.containers[0].ports[0].containerPort: must be a whole number, not the string "80"; write it without quotes',
      { container: { ports: [{ containerPort: "80" }] } },
    ],
    [
      "spec.containers[0].ports[0].containerPort: must be a whole number, not the number 80.5",
      { container: { ports: [{ containerPort: 80.5 }] } },
    ],
    [
      'spec.containers[0].env[0].value: must be a string, not the number 8080; write it in quotes: "8080"',
      { container: { env: [{ name: "PORT", value: 8080 }] } },
    ],
    [
      'spec.containers[0].args[0]: must be a string, not true; write it in quotes: "true"',
      { container: { args: [true] } },
    ],
    ["spec.containers[0].args[0]: must be a value, not empty", { container: { args: [null] } }],
    [
      'spec.containers[0].command: must be a list (lines starting with "- "), not the string "sh -c x"',
      { container: { command: "sh -c x" } },
    ],
    [
      'spec.containers[0].tty: must be true or false, not the string "yes"; write it without quotes',
      { container: { tty: "yes" } },
    ],
    ["spec.securityContext: must be an object (lines of NAME: VALUE), not a list", { spec: { securityContext: [] } }],
    ["metadata.labels: must be an object (lines of NAME: VALUE), not a list", { metadata: { labels: ["a=b"] } }],
    [
      'metadata.labels.version: must be a string, not the number 1; write it in quotes: "1"',
      { metadata: { labels: { version: 1 } } },
    ],
    [
      "spec.containers[0].resources.limits.cpu: must be a quantity such as 500m or 64Mi, not a list",
      { container: { resources: { limits: { cpu: [] } } } },
    ],
    ['spec.restartPolicy: "always" is none of "Always", "OnFailure", "Never"', { spec: { restartPolicy: "always" } }],
  ];
  for (const [line, parts] of cases) t.same(problemsOf(rawPod(parts)), [line]);
});

t.test("what is no object at all is refused", async (t) => {
  for (const raw of ["text", 1, true, null, undefined, []]) t.match(problemsOf(raw), [/^must be an object/]);
  t.same(problemsOf({ ...rawPod(), spec: "x" }), [
    'spec: must be an object (lines of NAME: VALUE), not the string "x"',
  ]);
});

t.test("required fields that are missing are named, at the line of what should hold them", async (t) => {
  t.same(problemsOf({ apiVersion: "v1", kind: "Pod" }), [
    "metadata: required, but missing",
    "spec: required, but missing",
  ]);
  t.same(problemsOf(rawPod({ spec: { containers: [] } })), ["spec.containers: required: at least one element"]);
  t.same(problemsOf(rawPod({ spec: { containers: [{}] } })), [
    "spec.containers[0].name: required, but missing",
    "spec.containers[0].image: required, but missing",
  ]);
  const error = errorOf(() =>
    decodeText("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: web\n"),
  );
  t.equal(error.message, "pod.yaml:6: spec.containers[0].image: required, but missing");
});

t.test("kinds: a wrong one is named with what podrun takes", async (t) => {
  const deployment = errorOf(() => decodePod({ apiVersion: "apps/v1", kind: "Deployment", spec: {} }));
  t.equal(deployment.code, "UnsupportedField");
  t.equal(deployment.message, "kind: Deployment is not supported by podrun yet; it takes Pod (apiVersion v1)");
  t.same(problemsOf({ apiVersion: "v1", kind: "Pood" }), [
    'kind: "Pood" is no kind of Kubernetes; did you mean "Pod"?',
  ]);
  t.match(problemsOf({ apiVersion: "v1" }), [/^kind: required, but missing/]);
  t.match(problemsOf({ apiVersion: "v1", kind: 5 }), [/^kind: must be a string/]);
  t.same(problemsOf({ ...rawPod(), apiVersion: "v2" }), ['apiVersion: "v2" has no kind Pod; write apiVersion: v1']);
  t.same(problemsOf({ ...rawPod(), apiVersion: undefined }), [
    "apiVersion: required, but missing; write apiVersion: v1",
  ]);
});

t.test("all problems are found in one run, the first gives the code, and a flood is cut", async (t) => {
  const lines = problemsOf(rawPod({ spec: { overhead: 1, restartPolicy: "No" }, container: { tty: 1, foo: 1 } }));
  t.equal(lines.length, 4);
  const flood = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`field${index}`, 1]));
  const many = problemsOf(rawPod({ spec: flood }));
  t.equal(many.length, 51);
  t.equal(many.at(-1), "and 150 more");
});

t.test("a key named __proto__ is a key like any other", async (t) => {
  const keyed = (kind: string, field: string, value: string) =>
    decodeKubeObject(
      JSON.parse(`{"apiVersion":"v1","kind":"${kind}","metadata":{"name":"x"},"${field}":{"__proto__":"${value}"}}`),
    );
  for (const [kind, field] of [
    ["ConfigMap", "data"],
    ["ConfigMap", "binaryData"],
    ["Secret", "data"],
    ["Secret", "stringData"],
  ] as const) {
    const shown = field === "stringData" ? "data" : field;
    const value = field === "stringData" ? "aGk=" : "AAEC";
    const object = keyed(kind, field, field === "stringData" ? "hi" : value) as unknown as Record<string, object>;
    t.equal(JSON.stringify(object[shown]), `{"__proto__":"${value}"}`, `${kind} ${field}`);
  }
});

t.test("a field named __proto__ or hasOwnProperty is unknown and does no harm", async (t) => {
  const raw = JSON.parse(
    JSON.stringify(rawPod()).replace('"metadata":{', '"metadata":{"__proto__":{"x":1},"hasOwnProperty":1,'),
  );
  t.match(problemsOf(raw), [/^metadata\.__proto__: unknown field/, /^metadata\.hasOwnProperty: unknown field/]);
});

t.test("an error shows a manifest's control characters escaped and its endless names cut", async (t) => {
  const [control] = problemsOf(rawPod({ spec: { "x\u009b31m": 1 } }));
  t.match(control, /^spec\["x\\u009b31m"\]: unknown field/);
  const [long] = problemsOf(rawPod({ spec: { ["x".repeat(100_000)]: 1 } }));
  t.ok(long!.length < 1000);
});

t.test("whatever stands in place of any field, the answer is a pod or a PodrunError", async (t) => {
  const values = [
    null,
    "",
    "x",
    "\0",
    0,
    -1,
    1.5,
    1e300,
    true,
    [],
    {},
    [null],
    [[]],
    [{}],
    { a: 1 },
    { a: null },
    "x".repeat(1000),
  ];
  let tried = 0;
  const bend = (object: Raw, key: string | number, root: Raw): void => {
    const before = object[key];
    for (const value of values) {
      object[key] = value;
      try {
        decodePod(structuredClone(root));
      } catch (error) {
        if (!(error instanceof PodrunError)) t.fail(`${key} = ${JSON.stringify(value)}: ${error}`);
      }
      tried++;
    }
    object[key] = before;
    if (typeof before === "object" && before !== null)
      for (const inner of Object.keys(before)) bend(before, inner, root);
  };
  const root = { root: rawPod(EVERYTHING) };
  for (const key of Object.keys(root.root)) bend(root.root, key, root.root);
  t.ok(tried > 1000);
  t.doesNotThrow(() => decodePod(root.root), "the pod is whole again");
});

t.test("of a manifest with one bad document nothing is returned, and the bad line is named", async (t) => {
  const good = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n";
  const bad = good.replace("image", "imgae");
  const error = errorOf(() => decodeManifests(`${good}---\n${bad}---\n${good}`, "all.yaml"));
  t.equal(error.code, "UnknownField");
  t.same(error.details["problems"], [
    'all.yaml:9: spec.containers[0].imgae: unknown field; did you mean "image"?',
    "all.yaml:9: spec.containers[0].image: required, but missing",
  ]);
  t.same(
    decodeManifests(`${good}---\n${good}`, "all.yaml").map(({ object }) => object.metadata.name),
    ["a", "a"],
  );
  t.match(
    errorOf(() => decodeManifests("# nothing\n", "all.yaml")),
    {
      code: "InvalidYaml",
      message: /^all\.yaml: no object in it/,
    },
  );
});
