import t from "tap";
import { decodePod, validatePodUpdate } from "../../../src/spec/index.ts";

const pod = (spec: object) =>
  decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [{ name: "main", image: "podrun.local/base" }], ...spec },
  });

const required = (name: string, value: object) => ({
  affinity: { [name]: { requiredDuringSchedulingIgnoredDuringExecution: value } },
});

const NO_VALUES = { key: "a", operator: "In" };
const WRONG_TERM = { topologyKey: "a", labelSelector: { matchExpressions: [NO_VALUES] } };
const keyed = (keys: object) => required("podAffinity", [{ topologyKey: "a", ...keys }]);
const preferred = (name: string, term: object) => ({
  affinity: { [name]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, ...term }] } },
});
const spread = (more: object) => ({
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "DoNotSchedule", ...more }],
});

t.test("rules of placement are the API server's", async (t) => {
  const terms = (...nodeSelectorTerms: object[]) => required("nodeAffinity", { nodeSelectorTerms });
  const one = (requirement: object) => terms({ matchExpressions: [requirement] });
  for (const [spec, message] of [
    [terms(), /nodeSelectorTerms: required: at least one/],
    [one({ key: "a", operator: "In" }), /values: required with operator In/],
    [one({ key: "a", operator: "Exists", values: ["x"] }), /values: must be empty with operator Exists/],
    [one({ key: "a", operator: "Gt", values: ["x"] }), /values: must be one whole number/],
    [one({ key: "a", operator: "Like" }), /operator/],
    [terms({ matchFields: [{ key: "spec.x", operator: "In", values: ["x"] }] }), /only metadata\.name can be matched/],
    [terms({ matchFields: [{ key: "metadata.name", operator: "Exists" }] }), /operator: must be In or NotIn/],
    [required("podAffinity", [{ labelSelector: {} }]), /topologyKey: required/],
    [
      required("podAntiAffinity", [
        { topologyKey: "a", labelSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      ]),
      /labelSelector\.matchExpressions\[0\]\.values/,
    ],
    [keyed({ matchLabelKeys: ["x"] }), /podAffinity\S*\[0\]\.matchLabelKeys: can't be set without labelSelector/],
    [
      keyed({ labelSelector: { matchLabels: { x: "" } }, mismatchLabelKeys: ["x"] }),
      /mismatchLabelKeys\[0\]: "x" is in labelSelector already/,
    ],
    [
      keyed({ labelSelector: {}, matchLabelKeys: ["x"], mismatchLabelKeys: ["x"] }),
      /matchLabelKeys: "x" is in mismatchLabelKeys, too/,
    ],
    [
      preferred("podAffinity", { podAffinityTerm: WRONG_TERM }),
      /preferred\S*\[0\]\.podAffinityTerm\.labelSelector\S*values/,
    ],
    [
      preferred("nodeAffinity", { preference: { matchExpressions: [NO_VALUES] } }),
      /\[0\]\.preference\S*\.values: required/,
    ],
    [spread({ labelSelector: { matchExpressions: [NO_VALUES] } }), /\[0\]\.labelSelector\S*\.values: required/],
    [spread({ matchLabelKeys: ["x"] }), /topologySpreadConstraints\[0\]\.matchLabelKeys: can't be set/],
    [{ tolerations: [{ value: "x" }] }, /operator: must be Exists when key is empty/],
    [{ tolerations: [{ key: "a", operator: "Exists", value: "x" }] }, /value: must be empty with operator Exists/],
    [{ tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 5 }] }, /effect: must be NoExecute/],
    [{ schedulingGates: [{ name: "a" }, { name: "a" }] }, /schedulingGates\[1\]/],
    [{ schedulingGates: [{ name: "a" }], nodeName: "x" }, /nodeName: can't be set together with schedulingGates/],
    [{ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "a", whenUnsatisfiable: "DoNotSchedule" }] }, /maxSkew/],
    [
      {
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "ScheduleAnyway", minDomains: 2 },
        ],
      },
      /minDomains: is for whenUnsatisfiable DoNotSchedule only/,
    ],
    [{ nodeSelector: { "a b": "c" } }, /nodeSelector/],
  ] as const)
    t.throws(() => pod(spec), { message }, JSON.stringify(spec));
});

t.test("in a pod that exists, gates may go and tolerations may come", async (t) => {
  const problems = (from: object, to: object) => validatePodUpdate(pod(from), pod(to)).map(({ path }) => path);
  const gates = (...names: string[]) => ({ schedulingGates: names.map((name) => ({ name })) });
  const tolerations = (...keys: string[]) => ({ tolerations: keys.map((key) => ({ key, operator: "Exists" })) });
  t.same(problems(gates("a", "b"), gates("b")), []);
  t.same(problems(gates("a"), {}), []);
  t.same(problems(gates("a", "b"), gates("a", "c")), ["spec.schedulingGates[1]"]);
  t.same(problems({}, gates("a")), ["spec.schedulingGates[0]"]);
  t.same(problems(tolerations("a"), tolerations("a", "b")), []);
  t.same(problems({}, tolerations("a")), []);
  t.same(problems(tolerations("a", "b"), tolerations("a")), ["spec.tolerations"]);
  t.same(problems(tolerations("a"), tolerations("b")), ["spec.tolerations"]);
  t.same(problems({}, { nodeSelector: { a: "b" } }), ["spec.nodeSelector"]);
});
