import t from "tap";
import { describeNode } from "../../../src/cli/describe/describe-node.ts";
import type { Pod, PodPhase } from "../../../src/spec/pod.ts";
import { runCommand, startFake } from "../api/fake.ts";
import { NODE } from "../api/fake-node.ts";
import { makePod } from "../pod/fixtures.ts";
import { said } from "./said.ts";

const asking = (name: string, phase: PodPhase, isScheduled = true): Pod => {
  const resources = { requests: { cpu: "250m", memory: "512Mi" }, limits: { cpu: "2" } };
  const pod = makePod({ containers: [{ name: "web", image: "x", resources }] }, { name, namespace: "default" });
  const conditions = [{ type: "PodScheduled", status: isScheduled ? ("True" as const) : ("False" as const) }];
  return { ...pod, status: { phase, conditions } };
};

t.test("the node is listed with kubectl's columns, and found by each of its words", async (t) => {
  const fake = await startFake(t);
  for (const words of [["nodes"], ["no"], ["node", "node"], ["node/node"], ["nodes", "-l", "disk=ssd"]])
    said(t, await runCommand(fake, ["get", ...words]), {
      stdout: /^NAME +STATUS +ROLES +AGE +VERSION\nnode +Ready +worker +\d+\w* +v0\.0\.1\n$/,
    });
  said(t, await runCommand(fake, ["get", "nodes", "-o", "wide"]), {
    stdout:
      /INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME\n.*192\.0\.2\.1 +<none> +Debian +6\.18\.0 +podrun:/,
  });
  said(t, await runCommand(fake, ["get", "node", "node", "-o", "jsonpath={.status.allocatable.cpu}"]), {
    stdout: /^1$/,
  });
  said(t, await runCommand(fake, ["get", "nodes", "-l", "disk=hdd"]), {
    stdout: /^$/,
    stderr: /^No resources found\n$/,
  });
  said(t, await runCommand(fake, ["get", "node", "other"]), { code: 1, stderr: /nodes "other" not found/ });
  said(t, await runCommand(fake, ["describe", "node", "other"]), { code: 1, stderr: /nodes "other" not found/ });
  said(t, await runCommand(fake, ["describe", "node"]), {
    stdout: /^Name: +node\nRoles: +worker\nLabels: +disk=ssd\n/,
  });
});

t.test(
  "a node's description sums what its pods ask for and are limited to, without those that have no place",
  async (t) => {
    const pods = [
      asking("one", "Running"),
      asking("two", "Pending"),
      asking("over", "Succeeded"),
      asking("waits", "Pending", false),
    ];
    const text = describeNode(NODE, pods, undefined, Date.parse("2026-01-01T00:00:00Z"));
    t.match(text, /^Taints: +dedicated=db:NoSchedule$/m);
    t.match(text, /^Non-terminated Pods: +\(2 in total\)$/m);
    t.match(text, /^ {2}default +one +250m \(25%\) +2 \(200%\) +512Mi \(25%\) +0 \(0%\)/m);
    t.match(text, /^ {2}cpu +500m \(50%\) +4 \(400%\)$/m);
    t.match(text, /^ {2}memory +1Gi \(50%\) +0 \(0%\)$/m);
    t.match(text, /^ {2}hugepages-2Mi +0 \(0%\) +0 \(0%\)$/m);
  },
);
