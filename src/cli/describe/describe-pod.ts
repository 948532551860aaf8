// A pod in detail, laid out as `kubectl describe pod` does.
import { hostname } from "node:os";
import type { KubeEvent } from "../../api/client.ts";
import { formatAge } from "../../base/age.ts";
import type { Container, ContainerState, ContainerStatus, Pod } from "../../spec/pod.ts";
import { formatTable } from "../output/table.ts";
import { environmentLines } from "./describe-environment.ts";
import { probeLines } from "./describe-probes.ts";
import { describeVolumes } from "./describe-volumes.ts";
import { type Line, layOut } from "./layout.ts";

/** `events` undefined: leave them out. `now`: milliseconds since the epoch. */
export function describePod(pod: Pod, events: readonly KubeEvent[] | undefined, now: number): string {
  const { metadata, spec, status } = pod;
  const lines: Line[] = [
    ["Name:", metadata.name],
    ["Namespace:", metadata.namespace],
    ["Priority:", String(spec.priority ?? 0)],
    ...optional("Priority Class Name:", spec.priorityClassName),
    ...optional("Service Account:", spec.serviceAccountName),
    ["Node:", nodeOf(pod)],
    ...optional("Start Time:", status.startTime && formatTime(status.startTime)),
    ...formatMap("Labels:", metadata.labels),
    ...formatMap("Annotations:", metadata.annotations, ": "),
    ...deletionLines(pod),
    ["Status:", status.phase],
    ...optional("Reason:", status.reason),
    ...optional("Message:", status.message),
    ...optional("NominatedNodeName:", status.nominatedNodeName),
    ...optional("SeccompProfile:", spec.securityContext.seccompProfile?.type),
    ["IP:", status.podIP ?? ""],
  ];
  const addresses = (status.podIPs ?? []).map(({ ip }) => `  IP:  ${ip}\n`).join("");
  const section = (title: string, containers: readonly Container[] = [], statuses: readonly ContainerStatus[] = []) => {
    const texts = containers.map((one) =>
      describeContainer(
        one,
        statuses.find(({ name }) => name === one.name),
        pod,
      ),
    );
    return texts.length === 0 ? "" : `${title}:\n${texts.join("")}`;
  };
  return (
    layOut(lines, 0) +
    (addresses === "" ? "IPs:  <none>\n" : `IPs:\n${addresses}`) +
    section("Init Containers", spec.initContainers, status.initContainerStatuses) +
    section("Containers", spec.containers, status.containerStatuses) +
    section("Ephemeral Containers", spec.ephemeralContainers, status.ephemeralContainerStatuses) +
    describeGates(pod) +
    describeConditions(pod) +
    describeVolumes(spec.volumes ?? []) +
    layOut(placementLines(pod), 0) +
    (events === undefined ? "" : describeEvents(events, now))
  );
}

/** A pod that waits for its place has no node. */
function nodeOf({ status }: Pod): string {
  const isPlaced = status.conditions?.some(({ type, status: word }) => type === "PodScheduled" && word === "True");
  if (isPlaced !== true) return "<none>";
  return `${hostname()}${status.hostIP === undefined ? "" : `/${status.hostIP}`}`;
}

function placementLines({ spec, status }: Pod): readonly Line[] {
  const list = (label: string, words: readonly string[]): readonly Line[] =>
    words.length === 0 ? [[label, "<none>"]] : words.map((word, index) => [index === 0 ? label : "", word]);
  const selectors = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    ["QoS Class:", status.qosClass ?? "<unset>"],
    ...list("Node-Selectors:", selectors.sort()),
    ...list("Tolerations:", byKey(spec.tolerations).map(wordToleration)),
    ...list("Topology Spread Constraints:", (spec.topologySpreadConstraints ?? []).map(wordSpread)).filter(
      ([, word]) => word !== "<none>",
    ),
  ];
}

type Tolerations = NonNullable<Pod["spec"]["tolerations"]>;

const byKey = (tolerations: Tolerations = []): Tolerations =>
  tolerations.toSorted((a, b) => ((a.key ?? "") < (b.key ?? "") ? -1 : a.key === b.key ? 0 : 1));

function wordSpread({
  topologyKey,
  whenUnsatisfiable,
  maxSkew,
  labelSelector,
}: NonNullable<Pod["spec"]["topologySpreadConstraints"]>[number]): string {
  const labels = Object.entries(labelSelector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms = (labelSelector?.matchExpressions ?? []).map(({ key, operator, values = [] }) =>
    values.length > 0
      ? `${key} ${operator.toLowerCase()} (${values.join(",")})`
      : `${operator === "Exists" ? "" : "!"}${key}`,
  );
  const selector = [...labels, ...terms].join(",");
  return `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${selector === "" ? "" : ` for selector ${selector}`}`;
}

/** `key=value:NoExecute op=Exists for 300s`. */
function wordToleration({
  key = "",
  value,
  effect,
  operator,
  tolerationSeconds,
}: NonNullable<Pod["spec"]["tolerations"]>[number]): string {
  const what = `${key}${value ? `=${value}` : ""}${effect ? `:${effect}` : ""}`;
  const always = operator === "Exists" && !value ? " op=Exists" : "";
  return `${what}${always}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`.trimStart();
}

function deletionLines({ metadata }: Pod): readonly Line[] {
  if (metadata.deletionTimestamp === undefined) return [];
  return [
    ["Status:", `Terminating (since ${formatTime(metadata.deletionTimestamp)})`],
    ["Termination Grace Period:", `${metadata.deletionGracePeriodSeconds ?? 0}s`],
  ];
}

/** As kubectl: a port that the host has not is 0 there. */
function portLines(ports: NonNullable<Container["ports"]>): readonly Line[] {
  const several = ports.length > 1 ? "s" : "";
  const list = (numbers: readonly string[]): string => numbers.join(", ") || "<none>";
  const named = ({ name }: { readonly name?: string }): string => (name === undefined ? "" : ` (${name})`);
  return [
    [`Port${several}:`, list(ports.map((port) => `${port.containerPort}/${port.protocol}${named(port)}`))],
    [`Host Port${several}:`, list(ports.map((port) => `${port.hostPort ?? 0}/${port.protocol}${named(port)}`))],
  ];
}

function describeContainer(container: Container, status: ContainerStatus | undefined, pod: Pod): string {
  const lines: Line[] = [
    ...(status ? [["Container ID:", status.containerID ?? ""] as const] : []),
    ["Image:", container.image],
    ...(status ? [["Image ID:", status.imageID] as const] : []),
    ...portLines(container.ports ?? []),
    ...(container.command === undefined ? [] : list("Command:", container.command)),
    ...(container.args === undefined ? [] : list("Args:", container.args)),
    ...(status ? statusLines(status) : []),
    ...resourceLines("Limits:", container.resources?.limits),
    ...resourceLines("Requests:", container.resources?.requests),
    ...probeLines(container),
    ...environmentLines(container, pod),
    ...mountLines(container),
  ];
  return `  ${container.name}:\n${layOut(lines, 4)}`;
}

function statusLines({ state, lastState, ready, restartCount }: ContainerStatus): readonly Line[] {
  return [
    ...stateLines("State:", state),
    ...(Object.keys(lastState).length === 0 ? [] : stateLines("Last State:", lastState)),
    ["Ready:", ready ? "True" : "False"],
    ["Restart Count:", String(restartCount)],
  ];
}

function stateLines(label: string, state: ContainerState): readonly Line[] {
  if (state.running !== undefined)
    return [
      [label, "Running"],
      ["  Started:", formatTime(state.running.startedAt)],
    ];
  const { terminated, waiting } = state;
  if (terminated === undefined)
    return [[label, "Waiting"], ...optional("  Reason:", waiting?.reason), ...optional("  Message:", waiting?.message)];
  return [
    [label, "Terminated"],
    ...optional("  Reason:", terminated.reason),
    ...optional("  Message:", terminated.message),
    ["  Exit Code:", String(terminated.exitCode)],
    ...optional("  Signal:", terminated.signal?.toString()),
    ["  Started:", formatTime(terminated.startedAt)],
    ["  Finished:", formatTime(terminated.finishedAt)],
  ];
}

function resourceLines(label: string, values: Readonly<Record<string, string>> | undefined): readonly Line[] {
  const entries = Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? [] : [[label, ""], ...entries.map(([name, amount]) => [`  ${name}:`, amount] as const)];
}

function mountLines(container: Container): readonly Line[] {
  const mounts = (container.volumeMounts ?? []).toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  if (mounts.length === 0) return [["Mounts:", "<none>"]];
  return [
    ["Mounts:", ""],
    ...mounts.map((mount) => [`  ${mount.mountPath} from ${mount.name} (${mountFlags(mount)})`, ""] as const),
  ];
}

function mountFlags({ readOnly, subPath, subPathExpr }: NonNullable<Container["volumeMounts"]>[number]): string {
  const path = subPath ?? subPathExpr;
  return `${readOnly === true ? "ro" : "rw"}${path ? `,path="${path}"` : ""}`;
}

function describeGates({ spec, status }: Pod): string {
  const rows = (spec.readinessGates ?? []).map(({ conditionType }) => {
    const word = status.conditions?.find(({ type }) => type === conditionType)?.status ?? "<none>";
    return `  ${conditionType.padEnd(27)} ${word}\n`;
  });
  return rows.length === 0 ? "" : `Readiness Gates:\n  ${"Type".padEnd(27)} Status\n${rows.join("")}`;
}

function describeConditions({ status }: Pod): string {
  const rows = (status.conditions ?? []).map((one) => `  ${one.type.padEnd(27)} ${one.status}\n`);
  return rows.length === 0 ? "" : `Conditions:\n  ${"Type".padEnd(27)} Status\n${rows.join("")}`;
}

export function describeEvents(events: readonly KubeEvent[], now: number): string {
  if (events.length === 0) return "Events:  <none>\n";
  const rows = events.map((event) => {
    const since = event.count > 1 ? ` (x${event.count} over ${formatAge(event.firstTimestamp, now)})` : "";
    return [
      `  ${event.type}`,
      event.reason,
      `${formatAge(event.lastTimestamp, now)}${since}`,
      event.source.component,
      event.message.trim(),
    ];
  });
  const dashes = ["  ----", "------", "----", "----", "-------"];
  return `Events:\n${formatTable([["  Type", "Reason", "Age", "From", "Message"], dashes, ...rows])}`;
}

function list(label: string, words: readonly string[]): readonly Line[] {
  return [[label, ""], ...words.map((word) => [`  ${word}`, ""] as const)];
}

export function formatMap(label: string, map: Readonly<Record<string, string>>, separator = "="): readonly Line[] {
  const sorted = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.flatMap(([key, value]) =>
    // Text of several lines stands below its name.
    value.includes("\n")
      ? [
          `${key}:`,
          ...value
            .trimEnd()
            .split("\n")
            .map((line) => `  ${line}`),
        ]
      : [`${key}${separator}${value}`],
  );
  if (entries.length === 0) return [[label, "<none>"]];
  return entries.map((text, index) => [index === 0 ? label : "", text] as const);
}

const optional = (label: string, value: string | undefined): readonly Line[] =>
  value === undefined || value === "" ? [] : [[label, value]];

export const formatTime = (time: string | undefined): string =>
  time === undefined || Number.isNaN(Date.parse(time))
    ? "<unknown>"
    : new Date(time).toUTCString().replace("GMT", "+0000");
