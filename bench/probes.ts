// A thousand readiness probes a second, by kind: what they cost the daemon. The servers that answer are the benchmark's own
// (a probe's `host`), so that nothing but the daemon's part is measured.
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { costOf, execEverySecond } from "./exec-cost.ts";
import { Load, type LoadOptions } from "./load.ts";
import { type Results, record } from "./measures.ts";
import { IMAGE, NAMESPACE, SLEEP, TRUE } from "./pod.ts";

const CONTAINERS_A_POD = 20;
const WARM_UP_MS = 5000;
const WATCH_MS = 10_000;

/** `pods`: so many probes a second, in containers of twenty a pod. */
export async function measureProbes(options: LoadOptions, results: Results): Promise<void> {
  const host = "127.0.0.1";
  const asked = { count: 0 };
  const http = createHttp((_, response) => {
    asked.count++;
    response.end("ok");
  });
  const tcp = createTcp((socket) => {
    asked.count++;
    socket.on("error", () => undefined).end();
  });
  const ports = { httpGet: await listen(http, host), tcpSocket: await listen(tcp, host) };
  const load = await Load.open(options);
  try {
    await measureKind(load, options, "httpGet", { httpGet: { host, port: ports.httpGet } }, asked, results);
    await measureKind(load, options, "tcpSocket", { tcpSocket: { host, port: ports.tcpSocket } }, asked, results);
    await measureKind(load, options, "none", undefined, asked, results);
    // One in twenty: each is a process.
    await measureExecs(load, { ...options, pods: Math.ceil(options.pods / 20) }, results);
  } finally {
    http.close();
    tcp.close();
    await load.close();
  }
}

async function measureKind(
  load: Load,
  { pods: probes, say }: LoadOptions,
  kind: string,
  action: object | undefined,
  asked: { count: number },
  results: Results,
): Promise<void> {
  say(`probes: ${kind}`);
  const names = await startProbed(load, probes, action);
  const before = asked.count;
  await load.loopDelay();
  await delay(WATCH_MS);
  const { cores, p99 } = await load.loopDelay();
  const into = (measure: string, sample: number): void => record(results, `${measure}, ${kind}`, "podrun", sample);
  into("daemon's cores", cores);
  into("event loop delay p99", p99);
  if (action && !("exec" in action)) into("probes a second", ((asked.count - before) * 1000) / WATCH_MS);
  await load.deleteAll(names);
}

/** Each is a process, begun by a probe or asked for through the API; what the containers cost without either is taken off. */
async function measureExecs(load: Load, { pods: rate, say }: LoadOptions, results: Results): Promise<void> {
  const into = (measure: string, sample: number): void => record(results, measure, "podrun", sample);
  const watch = async (action: object | undefined, act: (names: readonly string[]) => Promise<number>) => {
    const names = await startProbed(load, rate, action);
    let count = 0;
    const cost = await costOf(load, async () => {
      count = await act(names);
    });
    await load.deleteAll(names);
    return { ...cost, count };
  };
  const containers = (names: readonly string[]) =>
    names.flatMap((pod) => Array.from({ length: CONTAINERS_A_POD }, (_, i) => ({ pod, container: `c${i}` })));
  const rest = async (names: readonly string[]): Promise<number> => {
    await delay(WATCH_MS);
    return (containers(names).length * WATCH_MS) / 1000;
  };
  say(`probes: exec, ${rate} a second`);
  const idle = await watch(undefined, rest);
  const probe = await watch({ exec: { command: TRUE } }, rest);
  const exec = await watch(undefined, (names) => execEverySecond(load, containers(names), WATCH_MS));
  for (const [what, { daemon, all, count }] of [
    ["an exec probe", probe],
    ["an exec through the API", exec],
  ] as const) {
    into(`daemon's CPU for ${what}`, (daemon - idle.daemon) / count);
    into(`daemon's and monitors' CPU for ${what}`, (all - idle.all) / count);
  }
}

async function startProbed(load: Load, probes: number, action: object | undefined): Promise<readonly string[]> {
  const names = Array.from({ length: Math.ceil(probes / CONTAINERS_A_POD) }, (_, i) => `probed-${i}`);
  await load.create(names.map((name) => manifest(name, action && { ...action, periodSeconds: 1 })));
  await load.until((pods) =>
    pods.every(({ status }) => status.containerStatuses?.every(({ state }) => state["running"])),
  );
  await delay(WARM_UP_MS);
  return names;
}

const manifest = (name: string, readinessProbe: object | undefined): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: NAMESPACE },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: Array.from({ length: CONTAINERS_A_POD }, (_, i) => ({
      name: `c${i}`,
      image: IMAGE,
      command: SLEEP,
      ...(readinessProbe && { readinessProbe }),
    })),
  },
});

async function listen(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}
