import t from "tap";
import { qosClass } from "../../../src/spec/index.ts";
import { formatAmount } from "../../../src/spec/resources.ts";
import { errorOf, pod, type Raw } from "./pods.ts";

const spec = (resources: Raw, ...containers: Raw[]): Raw => ({
  spec: { resources, containers: containers.map((one, i) => ({ name: `c${i}`, image: "x", resources: one })) },
});
const problemsOf = (parts: Raw): readonly string[] => errorOf(() => pod(parts)).details["problems"] as string[];

t.test("a pod as a whole asks for what its containers ask for together, and else for its limit", async (t) => {
  const requests = (resources: Raw, ...containers: Raw[]) =>
    pod(spec(resources, ...containers)).spec.resources?.requests;
  const limits = { cpu: "2", memory: "1Gi" };
  t.same(requests({ limits }, {}), limits);
  t.same(requests({ limits }, { requests: { cpu: "250m" } }, { limits: { cpu: 1 } }), { cpu: "1250m", memory: "1Gi" });
  t.same(requests({ limits, requests: { cpu: "1500m" } }, { requests: { cpu: "250m" } }), { ...limits, cpu: "1500m" });
  t.equal(
    pod(spec({}, { requests: { cpu: "250m" } })).spec.resources?.requests,
    undefined,
    "it says nothing of itself",
  );
});

t.test("pages of the containers are the pod's", async (t) => {
  const pages = { limits: { "hugepages-2Mi": "4Mi", memory: "8Mi" } };
  t.match(pod(spec({ limits: { memory: "32Mi" } }, pages, pages)).spec.resources, {
    limits: { "hugepages-2Mi": "8Mi", memory: "32Mi" },
    requests: { "hugepages-2Mi": "8Mi", memory: "16Mi" },
  });
});

t.test("a pod can't be given less than its containers", async (t) => {
  t.same(
    problemsOf(spec({ requests: { cpu: "400m" } }, { requests: { cpu: "250m" } }, { requests: { cpu: "250m" } })),
    ['spec.resources.requests.cpu: "400m" is less than the requests of its containers together, 500m'],
  );
  t.same(problemsOf(spec({ limits: { memory: "1Gi" } }, { limits: { memory: "2Gi" }, requests: { memory: "1Mi" } })), [
    'spec.containers[0].resources.limits.memory: "2Gi" is more than the pod\'s limit "1Gi" (spec.resources)',
  ]);
  t.same(problemsOf(spec({ limits: { cpu: 1 }, requests: { cpu: 2 } }, {})), [
    'spec.resources.requests.cpu: "2" is more than the limit "1"',
  ]);
  t.ok(
    pod(
      spec(
        { limits: { cpu: 1 } },
        { limits: { cpu: 1 }, requests: { cpu: 0 } },
        { limits: { cpu: 1 }, requests: { cpu: 0 } },
      ),
    ),
  );
});

t.test("what a pod says of itself decides its QoS class", async (t) => {
  const both = { cpu: 1, memory: "1Gi" };
  t.equal(qosClass(pod(spec({ limits: both }, {}))), "Guaranteed");
  t.equal(qosClass(pod(spec({ limits: { cpu: 1 } }, {}))), "Burstable");
  t.equal(
    qosClass(pod(spec({ requests: both }, { limits: both }))),
    "Burstable",
    "its containers' limits do not count",
  );
  t.equal(qosClass(pod(spec({}, { limits: both }))), "Guaranteed", "it says nothing");
});

t.test("huge pages are asked for as a whole, in whole pages, and not alone", async (t) => {
  const one = (resources: Raw) =>
    problemsOf({ container: { resources } }).map((line) => line.slice("spec.containers[0].".length));
  const limits = { "hugepages-2Mi": "4Mi", cpu: 1 };
  t.same(pod({ container: { resources: { limits } } }).spec.containers[0]?.resources.requests, {
    "hugepages-2Mi": "4Mi",
    cpu: "1",
  });
  t.same(one({ limits: { "hugepages-2Mi": "4Mi" } }), [
    "resources: huge pages need a request or a limit of cpu or memory beside them",
  ]);
  t.same(one({ limits, requests: { "hugepages-2Mi": "2Mi" } }), [
    'resources.requests.hugepages-2Mi: must be equal to the limit "4Mi"',
  ]);
  t.same(one({ requests: { "hugepages-2Mi": "2Mi", cpu: 1 } }), [
    "resources.limits.hugepages-2Mi: must be set: pages can't be lent",
  ]);
  t.same(one({ limits: { "hugepages-2Mi": "3Mi", cpu: 1 } }), [
    'resources.limits.hugepages-2Mi: "3Mi" is not a positive multiple of 2Mi',
  ]);
});

t.test("an amount of bytes is whole", async (t) => {
  const [line, ...more] = problemsOf({ container: { resources: { limits: { "ephemeral-storage": "500m" } } } });
  t.match(line, /limits.ephemeral-storage: "500m" is not a whole number of bytes.*did you mean "500M"/);
  t.same(more, [], "the request that follows from it is no second mistake");
});

t.test("an amount is written as a person would", async (t) => {
  t.equal(formatAmount("cpu", 1500), "1500m");
  t.equal(formatAmount("cpu", 2000), "2");
  t.equal(formatAmount("memory", 3 * 2 ** 20), "3Mi");
  t.equal(formatAmount("memory", 1000), "1000");
  t.equal(formatAmount("pods", 1024), "1024");
});
