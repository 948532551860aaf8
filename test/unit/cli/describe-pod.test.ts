import { hostname } from "node:os";
import t from "tap";
import { describePod } from "../../../src/cli/describe/describe-pod.ts";
import { decodePod } from "../../../src/spec/index.ts";

const pod = decodePod({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web" },
  spec: {
    nodeSelector: { disk: "ssd" },
    tolerations: [
      { key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      { key: "b", value: "c" },
      { operator: "Exists" },
    ],
    containers: [
      {
        name: "main",
        image: "podrun.local/base",
        volumeMounts: [
          { name: "cfg", mountPath: "/app.conf", subPath: "app.conf" },
          { name: "all", mountPath: "/all", readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "cfg", configMap: { name: "web-config" } },
      { name: "sec", secret: { secretName: "db", optional: true } },
      { name: "down", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
      { name: "all", projected: { sources: [{ secret: { name: "db" } }, { configMap: { name: "x" } }] } },
      { name: "tmp" },
    ],
  },
});

t.test("each volume is described as what it is", async (t) => {
  const text = describePod(pod, undefined, 0);
  for (const want of [
    / {2}cfg:\n {4}Type: +ConfigMap \(a volume populated by a ConfigMap\)\n {4}Name: +web-config\n {4}Optional: +false\n/,
    / {2}sec:\n {4}Type: +Secret \(.*\)\n {4}SecretName: +db\n {4}Optional: +true\n/,
    / {2}down:\n {4}Type: +DownwardAPI \(.*\)\n {4}Items:\n {6}metadata\.labels -> labels\n/,
    / {2}all:\n {4}Type: +Projected \(.*\)\n {4}SecretName: +db\n {4}Optional: +false\n {4}ConfigMapName: +x\n/,
    / {2}tmp:\n {4}Type: +EmptyDir /,
    /\n {6}\/all from all \(ro\)\n {6}\/app\.conf from cfg \(rw,path="app\.conf"\)\n/,
  ])
    t.match(text, want);
});

t.test("where a pod may run is described, and that it has no node yet", async (t) => {
  const text = describePod(pod, undefined, 0);
  t.match(text, /\nNode-Selectors: +disk=ssd\nTolerations: +op=Exists\n +a:NoExecute op=Exists for 300s\n +b=c\n/);
  t.match(text, /\nNode: +<none>\n/);
  const conditions = [{ type: "PodScheduled", status: "True" as const }];
  const placed = { ...pod, status: { ...pod.status, conditions, hostIP: "192.0.2.1" } };
  t.match(describePod(placed as typeof pod, undefined, 0), `\nNode:          ${hostname()}/192.0.2.1\n`);
});

t.test("variables, ports, gates and labels are described in kubectl's words and order", async (t) => {
  const told = decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", annotations: { z: "1", long: "one\ntwo" } },
    spec: {
      serviceAccountName: "default",
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      readinessGates: [{ conditionType: "open" }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "t",
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { a: "b" } },
        },
      ],
      containers: [
        {
          name: "main",
          image: "x",
          ports: [
            { name: "http", containerPort: 80 },
            { containerPort: 53, protocol: "UDP" },
          ],
          env: [{ name: "ME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          envFrom: [{ configMapRef: { name: "cm" } }, { prefix: "P_", secretRef: { name: "s", optional: true } }],
        },
      ],
    },
  });
  const text = describePod(told, undefined, 0);
  for (const want of [
    /\nService Account: +default\n/,
    /\nAnnotations: +long:\n +one\n +two\n +z: 1\n/,
    /\nSeccompProfile: +RuntimeDefault\n/,
    /\n {4}Ports: +80\/TCP \(http\), 53\/UDP\n {4}Host Ports: +0\/TCP \(http\), 0\/UDP\n/,
    /\n {4}Environment Variables from:\n {6}cm +ConfigMap +Optional: false\n {6}s +Secret with prefix 'P_' +Optional: true\n/,
    /\n {6}ME: +web \(v1:metadata\.name\)\n/,
    /\nReadiness Gates:\n {2}Type +Status\n {2}open +<none>\n/,
    /\nTopology Spread Constraints: +t:DoNotSchedule when max skew 1 is exceeded for selector a=b\n/,
  ])
    t.match(text, want);
  t.notMatch(text, /Container ID|Restart Count|Start Time/, "what has no status yet has none to show");
});
