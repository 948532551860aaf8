// `/metrics` and `/metrics/resource`: Prometheus' text format (exposition format 0.0.4).
import { readdirSync, readFileSync } from "node:fs";
import { readMachineUsage } from "../../linux/machine-usage.ts";
import type { ContainerStatus, Pod } from "../../spec/pod.ts";
import type { KubeletOptions } from "./types.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The kubelet's own numbers, the daemon's as every Prometheus client has them, and podrun's. */
export function metrics({ pods, facts, version }: KubeletOptions): string {
  const all = pods.list();
  const statuses = all.flatMap((pod) => (pod.status.containerStatuses ?? []).map((status) => ({ pod, status })));
  const phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"] as const;
  return [
    family("kubelet_node_name", "gauge", "The node's name. The count is always 1.", [[{ node: facts.name }, 1]]),
    family("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox", [
      [{}, all.filter((pod) => pod.status.phase === "Running").length],
    ]),
    family(
      "kubelet_running_containers",
      "gauge",
      "Number of containers by their state",
      [...countBy(statuses.map(({ status }) => stateOf(status)))].map(([state, count]) => [
        { container_state: state },
        count,
      ]),
    ),
    processMetrics(),
    family("podrun_build_info", "gauge", "podrun's version. The count is always 1.", [[{ version }, 1]]),
    family(
      "podrun_pods",
      "gauge",
      "Number of pods by phase",
      phases.map((phase) => [{ phase }, all.filter((pod) => pod.status.phase === phase).length]),
    ),
    family(
      "podrun_container_restarts_total",
      "counter",
      "Restarts of a container since its pod was made",
      statuses.map(({ pod, status }) => [labelsOf(pod, status.name), status.restartCount]),
    ),
  ].join("");
}

/** CPU and memory of the node, its pods and containers: what metrics-server reads of a kubelet. */
export async function resourceMetrics({ sampler }: KubeletOptions): Promise<string> {
  const { stats } = await sampler.sample();
  const node = readMachineUsage();
  const containers = stats.flatMap(({ metadata: { namespace, name }, containers: inside }) =>
    inside.map(({ name: container, usage, startedAt }) => ({
      labels: { container, namespace, pod: name },
      usage,
      startedAt,
    })),
  );
  const sandboxes = stats.map(({ metadata: { namespace, name }, usage }) => ({
    labels: { namespace, pod: name },
    usage,
  }));
  const known = (labels: Labels, value: number | undefined): Sample[] => (value === undefined ? [] : [[labels, value]]);
  const seconds = (nanos: bigint | undefined) => (nanos === undefined ? undefined : Number(nanos) / 1e9);
  const ofEach = (name: string, of: readonly { labels: Labels; usage: (typeof stats)[number]["usage"] }[]): string =>
    family(
      `${name}_cpu_usage_seconds_total`,
      "counter",
      `Cumulative cpu time consumed by the ${name} in core-seconds`,
      of.flatMap(({ labels, usage }) => known(labels, seconds(usage.cpuNanos))),
    ) +
    family(
      `${name}_memory_working_set_bytes`,
      "gauge",
      `Current working set of the ${name} in bytes`,
      of.flatMap(({ labels, usage }) => known(labels, usage.memory?.workingSet)),
    );
  return [
    family("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds", [
      [{}, Number(node.cpuNanoSeconds) / 1e9],
    ]),
    family("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes", [
      [{}, node.memoryUsedBytes],
    ]),
    ofEach("pod", sandboxes),
    ofEach("container", containers),
    family(
      "container_start_time_seconds",
      "gauge",
      "Start time of the container since unix epoch in seconds",
      containers.flatMap(({ labels, startedAt }) =>
        known(labels, startedAt ? Date.parse(startedAt) / 1000 : undefined),
      ),
    ),
  ].join("");
}

const labelsOf = ({ metadata }: Pod, container: string): Labels => ({
  namespace: metadata.namespace,
  pod: metadata.name,
  container,
});

/** The kubelet's words: running, created (not yet), exited. */
function stateOf({ state, lastState }: ContainerStatus): string {
  if (state.running) return "running";
  return state.terminated || lastState.terminated ? "exited" : "created";
}

function countBy(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function processMetrics(): string {
  const { user, system } = process.cpuUsage();
  const limits = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  const virtual = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]) * 4096;
  return [
    family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", [
      [{}, (user + system) / 1e6],
    ]),
    family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", [
      [{}, process.memoryUsage.rss()],
    ]),
    family("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", [[{}, virtual]]),
    family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", [
      [{}, Math.round(Date.now() / 1000 - process.uptime())],
    ]),
    family("process_open_fds", "gauge", "Number of open file descriptors.", [
      [{}, readdirSync("/proc/self/fd").length],
    ]),
    family("process_max_fds", "gauge", "Maximum number of open file descriptors.", [[{}, Number(limits?.[1] ?? 0)]]),
  ].join("");
}

function family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => `${name}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeLabel)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escapeLabel = (character: string): string => (character === "\n" ? "\\n" : `\\${character}`);
