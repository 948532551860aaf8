// `/apis/metrics.k8s.io/v1beta1`: PodMetrics and NodeMetrics, as metrics-server has them. Nothing is measured while nobody asks:
// each answer measures for a second.
import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { PodrunError } from "../base/errors.ts";
import type { ContainerUsage, NodeUsage, PodUsage } from "../pod/types.ts";
import { parseLabelSelector } from "../spec/labels.ts";
import type { ApiContext } from "./context.ts";
import { sendJson, type Target } from "./request.ts";

const WINDOW_MILLIS = 1000;
const API_VERSION = "metrics.k8s.io/v1beta1";

/** False: there is no such path. */
export async function serveMetrics(context: ApiContext, response: ServerResponse, target: Target): Promise<boolean> {
  const [, , version, ...rest] = target.path;
  if (version !== "v1beta1") return false;
  if (rest[0] === "nodes" && rest.length <= 2) await nodeMetrics(context, response, rest[1]);
  else if (rest[0] === "pods" && rest.length === 1) await podMetrics(context, response, target, {});
  else if (rest[0] === "namespaces" && rest[2] === "pods" && rest.length <= 4) {
    const [, namespace = "", , name] = rest;
    await podMetrics(context, response, target, { namespace, ...(name !== undefined && { name }) });
  } else return false;
  return true;
}

interface Which {
  readonly namespace?: string;
  readonly name?: string;
}

async function podMetrics(
  { pods }: ApiContext,
  response: ServerResponse,
  { query }: Target,
  { namespace, name }: Which,
): Promise<void> {
  // An object that does not exist is said at once.
  if (namespace !== undefined && name !== undefined) pods.get(namespace, name);
  const selector = query.get("labelSelector") ?? "";
  const matches = selector === "" ? undefined : parseLabelSelector(selector);
  const filter = { ...(namespace !== undefined && { namespace }), ...(matches !== undefined && { labels: matches }) };
  const sample = (): readonly PodUsage[] =>
    pods.usage(filter).filter(({ pod }) => name === undefined || pod.metadata.name === name);
  const before = new Map(
    sample().flatMap(({ containers }) => containers.map((container) => [container.id, container] as const)),
  );
  await delay(WINDOW_MILLIS);
  const timestamp = new Date().toISOString();
  const items = sample().flatMap(({ pod, containers }) => {
    const both = containers.flatMap((container) => {
      const first = before.get(container.id);
      return first === undefined ? [] : [{ name: container.name, usage: containerRate(first, container) }];
    });
    const { name: podName, namespace: podNamespace, labels, creationTimestamp } = pod.metadata;
    const metadata = { name: podName, namespace: podNamespace, labels, creationTimestamp };
    const head = {
      kind: "PodMetrics",
      apiVersion: API_VERSION,
      metadata,
      timestamp,
      window: `${WINDOW_MILLIS / 1000}s`,
    };
    return both.length === 0 ? [] : [{ ...head, containers: both }];
  });
  if (name === undefined) {
    sendJson(response, 200, { kind: "PodMetricsList", apiVersion: API_VERSION, metadata: {}, items });
    return;
  }
  const [item] = items;
  if (item === undefined)
    throw new PodrunError(
      "NotFound",
      `podmetrics.metrics.k8s.io "${namespace}/${name}" not found: no container of it runs`,
    );
  sendJson(response, 200, item);
}

/** Quantities: whole nanocores, whole Ki. */
function containerRate({ usage: first }: ContainerUsage, { usage: last }: ContainerUsage) {
  const cpu = rate(first.cpuNanos, last.cpuNanos, BigInt(last.at - first.at) * 1_000_000n);
  return { cpu: `${cpu}n`, memory: kibi(last.memory?.workingSet ?? 0) };
}

function rate(first = 0n, last = 0n, nanos = 1n): bigint {
  return last <= first || nanos <= 0n ? 0n : ((last - first) * 1_000_000_000n) / nanos;
}

const kibi = (bytes: number): string => `${Math.round(bytes / 1024)}Ki`;

async function nodeMetrics({ pods }: ApiContext, response: ServerResponse, name: string | undefined): Promise<void> {
  const first = pods.nodeUsage();
  if (name !== undefined && name !== first.name) throw new PodrunError("NotFound", `nodes "${name}" not found`);
  await delay(WINDOW_MILLIS);
  const item = nodeItem(first, pods.nodeUsage());
  const list = { kind: "NodeMetricsList", apiVersion: API_VERSION, metadata: {}, items: [item] };
  sendJson(response, 200, name === undefined ? list : item);
}

/** `capacity` is podrun's own: kubectl asks the Node for it, which podrun does not have. */
function nodeItem(first: NodeUsage, last: NodeUsage) {
  const cpu = rate(first.cpuNanoSeconds, last.cpuNanoSeconds, last.timestamp - first.timestamp);
  return {
    kind: "NodeMetrics",
    apiVersion: API_VERSION,
    metadata: { name: last.name },
    timestamp: new Date().toISOString(),
    window: `${WINDOW_MILLIS / 1000}s`,
    usage: { cpu: `${cpu}n`, memory: kibi(last.memoryUsedBytes) },
    capacity: { cpu: String(last.cpus), memory: kibi(last.memoryTotalBytes) },
  };
}
