import t from "tap";
import { validatePodResize, validatePodUpdate } from "../../../src/spec/index.ts";
import { pod, problemsOf, type Raw, type RawPod, rawPod } from "./pods.ts";

const words = (problems: readonly { path: string; text: string }[]): string[] =>
  problems.map(({ path, text }) => `${path}: ${text}`);
const resize = (from: RawPod, to: RawPod): string[] => words(validatePodResize(pod(from), pod(to)));
const having = (requests: Raw, limits?: Raw, more: object = {}): RawPod => ({
  container: { resources: { requests, ...(limits && { limits }) }, ...more },
});
const SMALL = having({ cpu: "100m", memory: "16Mi" }, { cpu: "200m", memory: "64Mi" });
const at = "spec.containers[0].resources";

t.test("cpu and memory may grow, shrink and be added", async (t) => {
  t.same(resize(SMALL, having({ cpu: "1", memory: "32Mi" }, { cpu: "2", memory: "128Mi" })), []);
  t.same(resize(SMALL, having({ cpu: "10m", memory: "1Mi" }, { cpu: "20m", memory: "2Mi" })), []);
  t.same(resize(having({ cpu: "100m" }), having({ cpu: "100m", memory: "1Mi" }, { memory: "1Gi" })), []);
});

t.test("nothing is taken away, and the QoS class stays", async (t) => {
  t.same(resize(SMALL, having({ cpu: "100m" }, { cpu: "200m", memory: "64Mi" })), [], "it is the limit's by default");
  t.same(resize(having({ cpu: "1", memory: "1Mi" }), having({ cpu: "1" })), [
    `${at}.requests.memory: resource requests cannot be removed`,
  ]);
  t.same(resize(SMALL, having({ cpu: "100m", memory: "16Mi" }, { cpu: "200m" })), [
    `${at}.limits.memory: resource limits cannot be removed`,
  ]);
  const class_ = "Pod QOS Class may not change as a result of resizing";
  t.match(resize(SMALL, having({ cpu: "200m", memory: "64Mi" }, { cpu: "200m", memory: "64Mi" })), [
    `spec: ${class_}: it is Burstable, and would be Guaranteed`,
  ]);
  t.match(resize({}, having({ cpu: "1" })), [`spec: ${class_}: it is BestEffort, and would be Burstable`]);
});

t.test("nothing else of the pod changes with a resize, also not what the API server would pass over", async (t) => {
  const text = "only cpu and memory resources are mutable";
  const { resources } = SMALL.container;
  t.same(resize(SMALL, { container: { resources, image: "other:1" } }), [`spec.containers[0].image: ${text}`]);
  t.same(resize(SMALL, { ...SMALL, spec: { hostname: "x" } }), [`spec.hostname: ${text}`]);
  const withStorage = { ...resources, limits: { ...resources.limits, "ephemeral-storage": "1Gi" } };
  t.match(resize(SMALL, { container: { resources: withStorage } }), [/resources.*: only cpu and memory/]);
  const policy = [{ resourceName: "cpu", restartPolicy: "RestartContainer" }];
  t.same(resize(SMALL, { container: { resources, resizePolicy: policy } }), [
    `spec.containers[0].resizePolicy: ${text}`,
  ]);
  const other = { name: "b", image: "b:1" };
  const both = rawPod(SMALL).spec.containers.concat(other);
  t.match(resize(SMALL, { spec: { containers: both } }), [/^spec.containers: containers may not be added or removed/]);
  t.match(resize({ spec: { containers: both } }, { spec: { containers: both.toReversed() } }), [
    /^spec.containers: containers may not be renamed or reordered on resize: they are web, b$/,
  ]);
});

t.test("sidecars are resized, init containers are not", async (t) => {
  const init = (cpu: string, restartPolicy?: string): RawPod => ({
    spec: {
      initContainers: [
        { name: "i", image: "x:1", resources: { requests: { cpu } }, ...(restartPolicy && { restartPolicy }) },
      ],
    },
  });
  t.same(resize(init("1", "Always"), init("2", "Always")), []);
  t.same(resize(init("1"), init("1000m")), [], "the same amount in other words");
  t.same(resize(init("1"), init("2")), [
    "spec.initContainers[0].resources: resources for non-sidecar init containers are immutable",
  ]);
});

t.test("resizePolicy names each resource once, and no restart where there is none", async (t) => {
  const policy = (...names: string[]) => names.map((resourceName) => ({ resourceName, restartPolicy: "NotRequired" }));
  pod({ container: { resizePolicy: policy("cpu", "memory") } });
  t.match(problemsOf(rawPod({ container: { resizePolicy: policy("cpu", "cpu") } })), [
    /resizePolicy\[1\].resourceName: cpu is there twice/,
  ]);
  t.match(problemsOf(rawPod({ container: { resizePolicy: policy("storage") } })), [/storage/]);
  const restart = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  t.match(problemsOf(rawPod({ container: { resizePolicy: restart }, spec: { restartPolicy: "Never" } })), [
    /resizePolicy\[0\].restartPolicy: must be NotRequired when restartPolicy is Never/,
  ]);
  const inits = [{ name: "i", image: "x:1", resizePolicy: policy("cpu") }];
  t.match(problemsOf(rawPod({ spec: { initContainers: inits } })), [
    /initContainers\[0\].resizePolicy: must not be set/,
  ]);
});

t.test("resources that change with a plain update are refused, and what does it is named", async (t) => {
  const [line, ...more] = words(
    validatePodUpdate(pod(SMALL), pod(having({ cpu: "100m", memory: "16Mi" }, { cpu: "1", memory: "64Mi" }))),
  );
  t.match(line, /^spec.containers\[0\].resources.limits.cpu: pod updates may not change fields other than/);
  t.match(line, /podrun patch pod web --subresource resize -p …$/);
  t.same(more, []);
});
