import t from "tap";
import { containerOomScore, containerResources, podResources } from "../../../src/pod/resources.ts";
import { makePod } from "./fixtures.ts";

const MI = 1024 * 1024;

/** A container that asks for so much memory (MiB) and is limited to it. */
const container = (name: string, memory: number, more: object = {}) => ({
  name,
  image: "podrun.local/base",
  resources: { limits: { memory: `${memory}Mi` } },
  ...more,
});
const sidecar = (name: string, memory: number) => container(name, memory, { restartPolicy: "Always" });

const memoryOf = (spec: object) => (podResources(makePod(spec)).memoryLimitBytes ?? 0) / MI;

t.test("a pod needs what its containers need together", async (t) => {
  t.equal(memoryOf({ containers: [container("a", 100), container("b", 50)] }), 150);
});

t.test("an init container that needs more than they all raises it, and does not add to it", async (t) => {
  const containers = [container("a", 100)];
  t.equal(memoryOf({ containers, initContainers: [container("i", 40), container("j", 60)] }), 100);
  t.equal(memoryOf({ containers, initContainers: [container("i", 40), container("j", 160)] }), 160);
});

t.test("sidecars add to the containers, and to the init containers behind them only", async (t) => {
  const containers = [container("a", 100)];
  t.equal(memoryOf({ containers, initContainers: [sidecar("s", 30)] }), 130);
  t.equal(memoryOf({ containers, initContainers: [container("i", 120), sidecar("s", 30)] }), 130);
  t.equal(memoryOf({ containers, initContainers: [sidecar("s", 30), container("i", 120)] }), 150);
});

t.test("an init container without a limit leaves the pod without one", async (t) => {
  const initContainers = [{ name: "i", image: "podrun.local/base" }];
  t.equal(podResources(makePod({ containers: [container("a", 100)], initContainers })).memoryLimitBytes, undefined);
});

t.test("a sidecar is not killed for want of memory before the containers that it serves", async (t) => {
  const pod = makePod({
    containers: [{ ...container("a", 4096), resources: { requests: { memory: "4Gi" } } }],
    initContainers: [{ ...sidecar("s", 1), resources: { requests: { memory: "1Mi" } } }],
  });
  const [main] = pod.spec.containers;
  const [side] = pod.spec.initContainers ?? [];
  if (!main || !side) throw new Error("the pod has both");
  t.equal(containerOomScore(pod, side, 8 * 1024 * MI), containerOomScore(pod, main, 8 * 1024 * MI));
});

const bare = (name: string, more: object = {}) => ({ name, image: "podrun.local/base", ...more });

t.test("what a pod says of itself as a whole holds for its cgroup, and for containers that say nothing", async (t) => {
  const own = bare("own", { resources: { limits: { memory: "10Mi" } } });
  const resources = { limits: { cpu: "500m", memory: "64Mi" } };
  const pod = makePod({ resources, containers: [bare("none"), own] });
  t.match(podResources(pod), { cpuLimitMillis: 500, cpuRequestMillis: 500, memoryLimitBytes: 64 * MI });
  const [none, limited] = pod.spec.containers.map((one) => containerResources(one, pod));
  t.same(none, { cpuRequestMillis: 500, cpuLimitMillis: 500, memoryLimitBytes: 64 * MI });
  t.match(limited, { cpuLimitMillis: 500, memoryLimitBytes: 10 * MI, memoryRequestBytes: 10 * MI });
});

t.test("containers have what their pod asks for beyond them in equal parts", async (t) => {
  const asks = bare("asks", { resources: { requests: { memory: "1Gi" } } });
  const pod = makePod({ resources: { requests: { memory: "5Gi" } }, containers: [asks, bare("none")] });
  const scores = pod.spec.containers.map((one) => containerOomScore(pod, one, 8 * 1024 * MI));
  t.same(scores, [1000 - 375, 1000 - 250], "3 and 2 of 8 Gi");
});

t.test("a pod that asks for no huge pages gets none where there are some", async (t) => {
  const asks = bare("asks", { resources: { limits: { "hugepages-2Mi": "4Mi", memory: "8Mi" } } });
  const pod = makePod({ containers: [asks, bare("none")] });
  t.same(podResources(pod, { hugepages: ["hugepages-1Gi", "hugepages-2Mi"] }).hugepageLimitBytes, {
    "1Gi": 0,
    "2Mi": 4 * MI,
  });
  t.equal(podResources(makePod()).hugepageLimitBytes, undefined, "there are none on the node");
});
