// The node in detail, laid out as `kubectl describe node` does.
import type { KubeEvent } from "../../api/client.ts";
import { formatAge } from "../../base/age.ts";
import type { KubeNode } from "../../spec/node.ts";
import type { Pod } from "../../spec/pod.ts";
import {
  type Amounts,
  amountOf,
  formatAmount,
  podLimits,
  podRequests,
  type ResourceName,
} from "../../spec/resources.ts";
import { rolesOf } from "../node/node-columns.ts";
import { formatTable, type Row } from "../output/table.ts";
import { describeEvents, formatMap, formatTime } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

/** `pods`: of all namespaces; those that have no place here, or are over, are left out. `events` undefined: leave them out. */
export function describeNode(
  node: KubeNode,
  pods: readonly Pod[],
  events: readonly KubeEvent[] | undefined,
  now: number,
): string {
  const { metadata, spec, status } = node;
  const here = pods.filter(isHere);
  const taints = (spec.taints ?? []).map(({ key, value = "", effect }) => `${key}${value && `=${value}`}:${effect}`);
  const { nodeInfo } = status;
  const info: readonly (readonly [string, string])[] = [
    ["Machine ID:", nodeInfo.machineID],
    ["System UUID:", nodeInfo.systemUUID],
    ["Boot ID:", nodeInfo.bootID],
    ["Kernel Version:", nodeInfo.kernelVersion],
    ["OS Image:", nodeInfo.osImage],
    ["Operating System:", nodeInfo.operatingSystem],
    ["Architecture:", nodeInfo.architecture],
    ["Container Runtime Version:", nodeInfo.containerRuntimeVersion],
    ["Kubelet Version:", nodeInfo.kubeletVersion],
  ];
  const head = [
    ["Name:", metadata.name],
    ["Roles:", rolesOf(metadata.labels)],
    ...formatMap("Labels:", metadata.labels),
    ...formatMap("Annotations:", metadata.annotations, ": "),
    ["CreationTimestamp:", formatTime(metadata.creationTimestamp)],
    ...(taints.length === 0
      ? ([["Taints:", "<none>"]] as const)
      : taints.map((one, i) => [i ? "" : "Taints:", one] as const)),
    ["Unschedulable:", String(spec.unschedulable ?? false)],
  ] as const;
  return [
    layOut(head, 0),
    `Conditions:\n${table(
      ["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"],
      status.conditions.map((one) => [
        one.type,
        one.status,
        formatTime(one.lastHeartbeatTime),
        formatTime(one.lastTransitionTime),
        one.reason,
        one.message,
      ]),
    )}`,
    `Addresses:\n${layOut(
      status.addresses.map(({ type, address }) => [`${type}:`, address] as const),
      2,
    )}`,
    `Capacity:\n${quantities(status.capacity)}`,
    `Allocatable:\n${quantities(status.allocatable)}`,
    `System Info:\n${layOut(info, 2)}`,
    layOut(
      [
        ["PodCIDR:", spec.podCIDR ?? ""],
        ["PodCIDRs:", spec.podCIDRs?.join(",") ?? ""],
      ],
      0,
    ),
    `Non-terminated Pods:          (${here.length} in total)\n${podTable(node, here, now)}`,
    allocated(node, here),
    events === undefined ? "" : describeEvents(events, now),
  ].join("");
}

const isHere = ({ status }: Pod): boolean =>
  status.phase !== "Succeeded" &&
  status.phase !== "Failed" &&
  (status.conditions ?? []).some(({ type, status }) => type === "PodScheduled" && status === "True");

const quantities = (list: Readonly<Record<string, string | undefined>>): string =>
  layOut(
    Object.entries(list).map(([name, quantity = ""]) => [`${name}:`, quantity] as const),
    2,
  );

/** With kubectl's dashes below the heading. */
function table(heading: Row, rows: readonly Row[]): string {
  const dashes = heading.map((word) => word.replaceAll(/./g, "-"));
  return formatTable([heading, dashes, ...rows].map(([first = "", ...rest]) => [`  ${first}`, ...rest]));
}

/** `100m (5%)`, of what the node has for pods. */
function share(node: KubeNode, name: ResourceName, amount = 0): string {
  const whole = amountOf(name, node.status.allocatable[name] ?? "0");
  return `${formatAmount(name, amount)} (${whole === 0 ? 0 : Math.floor((amount * 100) / whole)}%)`;
}

function podTable(node: KubeNode, pods: readonly Pod[], now: number): string {
  const rows = pods.map((pod): Row => {
    const [requests, limits] = [podRequests(pod), podLimits(pod)];
    const { namespace, name, creationTimestamp } = pod.metadata;
    const cells = (["cpu", "memory"] as const).flatMap((one) => [
      share(node, one, requests[one]),
      share(node, one, limits[one]),
    ]);
    return [namespace, name, ...cells, formatAge(creationTimestamp, now)];
  });
  return table(["Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Age"], rows);
}

const DESCRIBED = ["cpu", "memory", "ephemeral-storage", "hugepages-1Gi", "hugepages-2Mi"] as const;

function allocated(node: KubeNode, pods: readonly Pod[]): string {
  const sum = (of: (pod: Pod) => Amounts, name: ResourceName): number =>
    pods.reduce((total, pod) => total + (of(pod)[name] ?? 0), 0);
  const rows = DESCRIBED.map(
    (name): Row => [name, share(node, name, sum(podRequests, name)), share(node, name, sum(podLimits, name))],
  );
  const note = "  (Total limits may be over 100 percent, i.e., overcommitted.)\n";
  return `Allocated resources:\n${note}${table(["Resource", "Requests", "Limits"], rows)}`;
}
