import { step } from "../base/fault.ts";
import type { SandboxConfig, SandboxStatus } from "../sandbox/types.ts";
import type { Pod } from "../spec/index.ts";
import { hugepagesOf, type Node } from "./node.ts";
import { Reasons } from "./reasons.ts";
import { record } from "./record.ts";
import { buildSandboxConfig, resolvConfFor } from "./sandbox-config.ts";

/** A pod's sandbox as this node makes it. */
export function sandboxConfig(node: Node, pod: Pod, attempt: number, reasons: Reasons): SandboxConfig {
  return buildSandboxConfig(pod, attempt, {
    root: node.config.root,
    claims: node.claims,
    memoryBytes: Number(node.facts.allocatable.memory),
    logs: node.config.logs,
    hostname: node.facts.name,
    clusterDomain: node.settings.clusterDomain,
    hostsFile: pod.spec.hostNetwork ? node.facts.hostsFile() : "",
    resolver: node.facts.resolver(),
    podPidsLimit: node.settings.podPidsLimit,
    hugepages: hugepagesOf(node.facts.capacity),
    reasons,
  });
}

/** Makes a pod's sandbox; `meanwhile`: see RuntimeService.runSandbox. Throws what the runtime throws; it has undone everything then. */
export async function makeSandbox(
  node: Node,
  pod: Pod,
  attempt: number,
  meanwhile: (sandbox: SandboxStatus) => void,
): Promise<SandboxStatus> {
  for (const warning of resolvConfFor(pod, node.facts.resolver()).warnings)
    record(node, pod, "Warning", "DNSConfigForming", warning);
  step("pod.run-sandbox");
  const sandbox = await node.runtime.runSandbox(sandboxConfig(node, pod, attempt, new Reasons()), meanwhile);
  step("pod.sandbox-made");
  return sandbox;
}
