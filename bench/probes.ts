// A thousand readiness probes a second, by kind: what they cost the daemon. The servers that answer are the benchmark's own
// (a probe's `host`), so that nothing but the daemon's part is measured.
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Load, type LoadOptions } from "./load.ts";
import { type Results, record } from "./measures.ts";
import { IMAGE, NAMESPACE, SLEEP } from "./pod.ts";

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
    // One in twenty: each is a process.
    const few = { ...options, pods: Math.ceil(options.pods / 20) };
    await measureKind(load, few, `exec (${few.pods} a second)`, { exec: { command: ["/bin/true"] } }, asked, results);
    await measureKind(load, options, "none", undefined, asked, results);
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
  const names = Array.from({ length: Math.ceil(probes / CONTAINERS_A_POD) }, (_, i) => `probed-${i}`);
  await load.create(names.map((name) => manifest(name, action && { ...action, periodSeconds: 1 })));
  await load.until((pods) =>
    pods.every(({ status }) => status.containerStatuses?.every(({ state }) => state["running"])),
  );
  await delay(WARM_UP_MS);
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
