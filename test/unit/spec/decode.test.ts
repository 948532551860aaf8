import t from "tap";
import { decodePod } from "../../../src/spec/index.ts";
import { rawPod } from "./pods.ts";

t.test("a small pod gets the defaults of Kubernetes' API server", async (t) => {
  const pod = decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { containers: [{ name: "web", image: "nginx", ports: [{ containerPort: 80 }] }] },
  });
  t.same(pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      namespace: "default",
      labels: {},
      annotations: {},
      uid: "",
      creationTimestamp: "",
      resourceVersion: "",
    },
    spec: {
      containers: [
        {
          name: "web",
          image: "nginx",
          imagePullPolicy: "Always",
          ports: [{ containerPort: 80, protocol: "TCP" }],
          resources: {},
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
        },
      ],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      enableServiceLinks: true,
      schedulerName: "default-scheduler",
      securityContext: {},
    },
    status: { phase: "Pending" },
  });
});

t.test("decoding does not change its input, and defaults are not shared between pods", async (t) => {
  const raw = rawPod({ container: { resources: { limits: { cpu: 1 } } } });
  const before = structuredClone(raw);
  const one = decodePod(raw);
  const two = decodePod(raw);
  t.same(raw, before);
  one.metadata.labels["a"] = "b";
  one.spec.containers[0]!.resources.limits!.cpu = "2";
  t.same(two.metadata.labels, {});
  t.equal(two.spec.containers[0]!.resources.limits!.cpu, "1");
});

t.test("decoding what was decoded gives the same pod", async (t) => {
  const pod = decodePod(
    rawPod({
      container: { env: [{ name: "A" }], resources: { limits: { memory: "64Mi" } } },
      spec: { volumes: [{ name: "a" }, { name: "b", hostPath: { path: "/srv" } }] },
    }),
  );
  t.same(decodePod(pod), pod);
});

t.test("the pull policy follows the tag", async (t) => {
  const cases: Record<string, string> = {
    nginx: "Always",
    "nginx:latest": "Always",
    "host:5000/nginx": "Always",
    "nginx:1": "IfNotPresent",
    "host:5000/nginx:1": "IfNotPresent",
    [`nginx@sha256:${"0".repeat(64)}`]: "IfNotPresent",
    [`nginx:1@sha256:${"0".repeat(64)}`]: "IfNotPresent",
    [`nginx:latest@sha256:${"0".repeat(64)}`]: "Always",
  };
  for (const [image, policy] of Object.entries(cases)) {
    t.equal(decodePod(rawPod({ container: { image } })).spec.containers[0]!.imagePullPolicy, policy, image);
  }
});

t.test(
  "requests are taken from limits, numbers become quantities, and those are written as Kubernetes does",
  async (t) => {
    const { resources } = decodePod(
      rawPod({ container: { resources: { limits: { cpu: 0.5, memory: "1Gi" }, requests: { cpu: "100m" } } } }),
    ).spec.containers[0]!;
    t.same(resources, { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "100m", memory: "1Gi" } });
  },
);

t.test("null and empty optional text count as absent; empty values that mean something stay", async (t) => {
  const pod = decodePod(
    rawPod({
      metadata: { namespace: "", labels: null, creationTimestamp: null },
      spec: { hostname: "", restartPolicy: null, volumes: [{ name: "v", hostPath: { path: "/srv", type: "" } }] },
      container: { command: ["sh", "-c", ""], env: [{ name: "EMPTY", value: "" }] },
    }),
  );
  t.equal(pod.metadata.namespace, "default");
  t.same(pod.metadata.labels, {});
  t.equal(pod.spec.restartPolicy, "Always");
  t.notOk("hostname" in pod.spec);
  t.equal(pod.spec.volumes![0]!.hostPath!.type, "");
  t.same(pod.spec.containers[0]!.command, ["sh", "-c", ""]);
});

t.test(
  "what only podrun may set is dropped from input: status, deletion, creation; uid and resourceVersion stay for updates",
  async (t) => {
    const raw = rawPod({
      metadata: {
        uid: "u",
        resourceVersion: "7",
        generation: 3,
        creationTimestamp: "2020-01-01T00:00:00Z",
        deletionTimestamp: "2020-01-01T00:00:00Z",
        managedFields: [{}],
      },
    });
    const { metadata, status } = decodePod({ ...raw, status: { phase: "Running", anything: 1 } });
    t.same(metadata, {
      name: "web",
      namespace: "default",
      labels: {},
      annotations: {},
      uid: "u",
      resourceVersion: "7",
      creationTimestamp: "",
    });
    t.same(status, { phase: "Pending" });
  },
);
