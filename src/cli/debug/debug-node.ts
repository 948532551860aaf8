// `debug node/NAME`: a pod in the machine's own namespaces, with its files below /host.
import { newNameSuffix } from "../../base/ids.ts";
import { decodePod } from "../../spec/index.ts";
import type { Pod } from "../../spec/pod.ts";
import { debugFields, profileRights, readProfile } from "./debug-container.ts";
import type { Debug } from "./debug-options.ts";

/** Throws UsageError, and what decodePod throws. */
export function nodeDebugger(node: string, debug: Pick<Debug, "options" | "rest">, image: string): Pod {
  const { options } = debug;
  const profile = readProfile(options.profile);
  const rights = profileRights(profile, true);
  // What the profiles baseline and restricted are for has none of the host's.
  const isOfHost = profile !== "baseline" && profile !== "restricted";
  const hasFiles = isOfHost && profile !== "netadmin";
  const container = {
    name: options.container ?? "debugger",
    image,
    ...debugFields(debug),
    terminationMessagePolicy: "FallbackToLogsOnError",
    ...(rights !== undefined && { securityContext: rights }),
    ...(hasFiles && { volumeMounts: [{ name: "host-root", mountPath: "/host" }] }),
  };
  return decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `node-debugger-${node.slice(0, 40)}-${newNameSuffix()}`,
      namespace: options.namespace,
      labels: { "app.kubernetes.io/managed-by": "kubectl-debug" },
    },
    spec: {
      nodeName: node,
      restartPolicy: "Never",
      tolerations: [{ operator: "Exists" }],
      ...(isOfHost && { hostNetwork: true, hostPID: true }),
      ...(hasFiles && { hostIPC: true, volumes: [{ name: "host-root", hostPath: { path: "/" } }] }),
      containers: [container],
    },
  });
}
