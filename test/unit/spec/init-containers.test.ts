import t from "tap";
import { qosClass, validatePodUpdate } from "../../../src/spec/index.ts";
import { pod, problemsOf, rawPod } from "./pods.ts";

const rule = (exitCodes: unknown, more: object = {}) => ({
  container: { restartPolicy: "Never", restartPolicyRules: [{ action: "Restart", exitCodes }], ...more },
});

t.test("a name is a container's alone, whatever list it is in", async (t) => {
  const initContainers = [
    { name: "main", image: "x" },
    { name: "other", image: "x" },
  ];
  const containers = [{ name: "main", image: "x" }];
  t.same(problemsOf(rawPod({ spec: { initContainers, containers } })), [
    'spec.initContainers[0].name: "main" is used twice: spec.containers[0] has it too',
  ]);
  t.match(problemsOf(rawPod({ spec: { initContainers: [initContainers[1], initContainers[1]] } })), [
    /^spec.initContainers\[1\].name: "other" is used twice: spec.initContainers\[0\] has it too$/,
  ]);
});

t.test("what is wrong in an init container is told with its own place", async (t) => {
  const initContainers = [{ name: "a", image: "x", volumeMounts: [{ name: "none", mountPath: "/x" }] }];
  t.match(problemsOf(rawPod({ spec: { initContainers } })), [
    /^spec.initContainers\[0\].volumeMounts\[0\].name: no volume/,
  ]);
});

t.test("init containers count for the QoS class", async (t) => {
  const resources = { limits: { cpu: 1, memory: "1Gi" } };
  const containers = [{ name: "main", image: "x", resources }];
  const withInit = (init: object) =>
    qosClass(pod({ spec: { containers, initContainers: [{ name: "init", image: "x", ...init }] } }));
  t.equal(withInit({ resources }), "Guaranteed");
  t.equal(withInit({}), "Burstable");
});

t.test("init containers have the defaults of containers", async (t) => {
  const { spec } = pod({ spec: { initContainers: [{ name: "init", image: "x:1" }] } });
  t.match(spec.initContainers, [{ imagePullPolicy: "IfNotPresent", resources: {} }]);
});

t.test("rules of restart name exit codes, beside a policy", async (t) => {
  const at = "spec.containers[0].restartPolicy";
  for (const [parts, start] of [
    [rule({ operator: "In", values: [1] }, { restartPolicy: null }), `${at}: required with restartPolicyRules`],
    [rule(null), `${at}Rules[0].exitCodes: required`],
    [rule({ operator: "In", values: Array(256).fill(1) }), `${at}Rules[0].exitCodes.values: 256 exit codes; 255`],
    [rule({ operator: "In", values: [256] }), `${at}Rules[0].exitCodes.values[0]: 256 is out of range`],
    [rule({ operator: "Is", values: [1] }), `${at}Rules[0].exitCodes.operator: "Is" is none of`],
  ] as const) {
    const problems = problemsOf(rawPod(parts));
    t.equal(problems.length, 1, problems.join(" | "));
    t.ok(problems[0]?.startsWith(start), `${problems[0]} starts with ${start}`);
  }
  t.doesNotThrow(() => pod(rule({ operator: "NotIn", values: [1, 2] })));
  t.doesNotThrow(() => pod(rule({ operator: "NotIn" })), "every end");
});

t.test("the image of an init container may change, nothing else of it", async (t) => {
  const make = (more: object) => pod({ spec: { initContainers: [{ name: "init", image: "x:1", ...more }] } });
  t.same(validatePodUpdate(make({}), make({ image: "x:2" })), []);
  t.match(validatePodUpdate(make({}), make({ command: ["a"] })), [{ path: "spec.initContainers[0].command" }]);
});
