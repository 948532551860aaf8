import t from "tap";
import { buildContainerConfig, type ContainerContext } from "../../../src/pod/container-config.ts";
import { Reasons } from "../../../src/pod/reasons.ts";
import { volumeSources } from "../../../src/pod/volumes.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { CAPACITY, IMAGE, makePod, NO_CLAIMS } from "./fixtures.ts";

const GIB = 2 ** 30;

function build(container: object, spec: object = {}, sources?: Record<string, string>) {
  const pod: Pod = makePod(
    { ...spec, containers: [{ name: "web", image: "podrun.local/base", ...container }] },
    { labels: { a: "b" } },
  );
  const context: ContainerContext = {
    image: IMAGE,
    volumes: volumeSources(pod, { claims: NO_CLAIMS, config: { root: "/root" } }),
    environment: {
      nodeName: "node",
      hostAddresses: ["192.0.2.1"],
      podAddresses: ["10.77.0.2", "fd77::2"],
      allocatable: CAPACITY,
      machineMemoryBytes: 8 * GIB,
    },
    objects: { find: () => undefined },
    files: () => undefined,
    seccompFolder: "/root/seccomp",
    reasons: new Reasons(sources),
  };
  return buildContainerConfig(pod, pod.spec.containers[0]!, 3, context);
}

t.test("variables are expanded by those before them, in command and args by all", async (t) => {
  const config = build({
    env: [
      { name: "A", value: "1" },
      { name: "B", value: "$(A)2 $(LATER) $$(A)" },
      { name: "LATER", value: "x" },
    ],
    command: ["echo", "$(B)"],
    args: ["$(LATER)", "$(NOPE)"],
  });
  t.same(config.env, [
    ["A", "1"],
    ["B", "12 $(LATER) $(A)"],
    ["LATER", "x"],
  ]);
  t.same(config.command, ["echo", "12 $(LATER) $(A)"]);
  t.same(config.args, ["x", "$(NOPE)"]);
});

t.test("the downward API gives fields of the pod, the node and the addresses", async (t) => {
  const paths = [
    "metadata.name",
    "metadata.namespace",
    "metadata.labels['a']",
    "metadata.labels['none']",
    "spec.nodeName",
  ];
  const more = ["spec.serviceAccountName", "status.hostIP", "status.podIP", "status.podIPs"];
  const env = [...paths, ...more].map((fieldPath, i) => ({ name: `V${i}`, valueFrom: { fieldRef: { fieldPath } } }));
  const values = ["hello", "default", "b", "", "node", "default", "192.0.2.1", "10.77.0.2", "10.77.0.2,fd77::2"];
  t.same(
    build({ env }).env.map(([, value]) => value),
    values,
  );
});

t.test("resource fields are divided and rounded up; a limit that is not set is the machine's", async (t) => {
  const env = [
    { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
    { name: "MILLI", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
    { name: "MEMORY", valueFrom: { resourceFieldRef: { resource: "requests.memory", divisor: "1Mi" } } },
  ];
  const resources = { limits: { cpu: "1500m" }, requests: { memory: "100Mi" } };
  t.same(
    build({ env, resources }).env.map(([, value]) => value),
    ["2", "1500", "100"],
  );
  t.same(
    build({ env }).env.map(([, value]) => value),
    ["2", "2000", "0"],
  );
});

t.test("the container's security context wins over the pod's, field by field", async (t) => {
  const { security } = build(
    { securityContext: { runAsUser: 5, capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] } } },
    {
      securityContext: { runAsUser: 1, runAsGroup: 2, supplementalGroups: [7], seccompProfile: { type: "Unconfined" } },
    },
  );
  t.match(security, {
    runAsUser: 5,
    runAsGroup: 2,
    supplementalGroups: [7],
    addCapabilities: ["NET_ADMIN"],
    dropCapabilities: ["ALL"],
    seccomp: { type: "Unconfined" },
    allowPrivilegeEscalation: true,
    privileged: false,
  });
});

t.test(
  "without a profile system calls are filtered; privileged ones are not; Localhost is below podrun's folder",
  async (t) => {
    t.same(build({}).security.seccomp, { type: "RuntimeDefault" });
    t.same(build({ securityContext: { privileged: true } }).security.seccomp, { type: "Unconfined" });
    const seccompProfile = { type: "Localhost", localhostProfile: "a/b.json" };
    t.same(build({ securityContext: { seccompProfile } }).security.seccomp, {
      type: "Localhost",
      path: "/root/seccomp/a/b.json",
    });
  },
);

t.test("volumes become mounts with their sources", async (t) => {
  const volumes = [
    { name: "host", hostPath: { path: "/data" } },
    { name: "memory", emptyDir: { medium: "Memory" } },
  ];
  const volumeMounts = [
    { name: "host", mountPath: "/a", readOnly: true },
    { name: "memory", mountPath: "/b" },
  ];
  t.match(build({ volumeMounts }, { volumes }).mounts, [
    { source: { kind: "host", path: "/data" }, target: "/a", readOnly: true, why: /volumeMounts\[0\] \(volume host\)/ },
    { source: { kind: "memory", volume: "memory" }, target: "/b", readOnly: false },
  ]);
});

t.test("oom_score_adj follows the QoS class as the kubelet computes it", async (t) => {
  t.equal(build({}).oomScoreAdj, 1000);
  const same = { cpu: "1", memory: "1Gi" };
  t.equal(build({ resources: { limits: same, requests: same } }).oomScoreAdj, -997);
  t.equal(build({ resources: { requests: { memory: "4Gi" } } }).oomScoreAdj, 500);
  t.equal(build({ resources: { requests: { cpu: "1" } } }).oomScoreAdj, 999, "never as soon as a best-effort one");
  t.equal(build({ resources: { requests: { memory: "8Gi" } } }).oomScoreAdj, 3, "never as late as a guaranteed one");
});

t.test("reasons name the manifest's line, else the default", async (t) => {
  const sources = { "spec.containers[0].workingDir": "pod.yaml:9" };
  const { why } = build({ workingDir: "/tmp" }, {}, sources);
  t.equal(why?.["workingDir"], "pod.yaml:9 spec.containers[0].workingDir");
  t.equal(why?.["runAsUser"], "default: the image's User");
  t.equal(build({ workingDir: "/tmp" }).why?.["workingDir"], "spec.containers[0].workingDir");
});

t.test("supplementalGroupsPolicy Strict leaves the image's groups out, Merge and none take them", async (t) => {
  const policyOf = (supplementalGroupsPolicy?: string) =>
    build({}, { securityContext: supplementalGroupsPolicy ? { supplementalGroupsPolicy } : {} }).security.strictGroups;
  t.equal(policyOf("Strict"), true);
  t.equal(policyOf("Merge"), undefined);
  t.equal(policyOf(), undefined);
});
