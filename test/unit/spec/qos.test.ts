import t from "tap";
import { qosClass } from "../../../src/spec/index.ts";
import { pod, type Raw } from "./pods.ts";

const classOf = (...resources: Raw[]): string =>
  qosClass(
    pod({ spec: { containers: resources.map((one, index) => ({ name: `c${index}`, image: "x", resources: one })) } }),
  );

t.test("a pod that asks for nothing is BestEffort", async (t) => {
  t.equal(classOf({}), "BestEffort");
  t.equal(classOf({}, {}), "BestEffort");
  t.equal(classOf({ limits: { cpu: 0 }, requests: { memory: "0" } }), "BestEffort", "zero counts as nothing");
});

t.test("a pod is Guaranteed when every container is limited to what it asks for, of both", async (t) => {
  t.equal(classOf({ limits: { cpu: 1, memory: "1Gi" } }), "Guaranteed");
  t.equal(classOf({ limits: { cpu: 1, memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }), "Guaranteed");
});

t.test("every other pod is Burstable", async (t) => {
  t.equal(classOf({ limits: { cpu: 1 } }), "Burstable");
  t.equal(classOf({ requests: { memory: "1Mi" } }), "Burstable");
  t.equal(classOf({ limits: { cpu: 1, memory: "1Gi" }, requests: { cpu: "500m" } }), "Burstable");
  t.equal(classOf({ limits: { cpu: 1, memory: "1Gi" } }, {}), "Burstable");
});
