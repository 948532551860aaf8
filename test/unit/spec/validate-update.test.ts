import t from "tap";
import { validatePodUpdate } from "../../../src/spec/index.ts";
import { pod, type RawPod } from "./pods.ts";

const problems = (from: RawPod, to: RawPod): string[] =>
  validatePodUpdate(pod(from), pod(to)).map(({ path, text }) => `${path}: ${text}`);

t.test("labels, annotations and images may change", async (t) => {
  t.same(problems({}, {}), []);
  t.same(
    problems({ metadata: { labels: { a: "1" } } }, { metadata: { labels: { a: "2" }, annotations: { b: "c" } } }),
    [],
  );
  t.same(
    problems(
      { container: { image: "x:1", imagePullPolicy: "Never" } },
      { container: { image: "x", imagePullPolicy: "Never" } },
    ),
    [],
  );
});

t.test("the rest of the spec may not, and each changed field is named", async (t) => {
  const text = "can't be changed in a pod that exists (only images can); delete the pod and apply it again";
  t.same(problems({}, { container: { command: ["sh"] } }), [`spec.containers[0].command: ${text}`]);
  t.same(problems({ container: { args: ["a", "b"] } }, { container: { args: ["a", "c"] } }), [
    `spec.containers[0].args[1]: ${text}`,
  ]);
  t.same(problems({}, { spec: { restartPolicy: "Never", hostname: "h" } }), [
    `spec.restartPolicy: ${text}`,
    `spec.hostname: ${text}`,
  ]);
  const two = [
    { name: "web", image: "podrun.local/base:1" },
    { name: "b", image: "x" },
  ];
  t.same(problems({}, { spec: { containers: two } }), [`spec.containers: ${text}`]);
  t.same(problems({ container: { imagePullPolicy: "Never" } }, { container: { imagePullPolicy: "Always" } }), [
    `spec.containers[0].imagePullPolicy: ${text}`,
  ]);
});

t.test("a pod keeps its name and namespace", async (t) => {
  t.match(problems({}, { metadata: { name: "db" } }), [/^metadata\.name: can't be changed from "web"/]);
  t.match(problems({}, { metadata: { namespace: "x" } }), [/^metadata\.namespace: can't be changed from "default"/]);
});
