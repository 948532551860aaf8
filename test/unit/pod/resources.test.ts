import t from "tap";
import { containerOomScore, podResources } from "../../../src/pod/resources.ts";
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
