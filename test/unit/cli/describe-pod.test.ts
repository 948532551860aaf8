import { hostname } from "node:os";
import t from "tap";
import { describePod } from "../../../src/cli/describe-pod.ts";
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
    /\n {6}\/app\.conf from cfg \(rw,path="app\.conf"\)\n {6}\/all from all \(ro\)\n/,
  ])
    t.match(text, want);
});

t.test("where a pod may run is described, and that it has no node yet", async (t) => {
  const text = describePod(pod, undefined, 0);
  t.match(text, /\nNode-Selectors: +disk=ssd\nTolerations: +a:NoExecute op=Exists for 300s\n +b=c\n +op=Exists\n/);
  t.match(text, /\nNode: +<none>\n/);
  const conditions = [{ type: "PodScheduled", status: "True" as const }];
  const placed = { ...pod, status: { ...pod.status, conditions, hostIP: "192.0.2.1" } };
  t.match(describePod(placed as typeof pod, undefined, 0), `\nNode:          ${hostname()}/192.0.2.1\n`);
});
