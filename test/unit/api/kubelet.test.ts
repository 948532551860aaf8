import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { createKubeletServer } from "../../../src/api/kubelet/server.ts";
import { UsageSampler } from "../../../src/pod/sample-usage.ts";
import type { SandboxStats } from "../../../src/sandbox/types.ts";
import { ManualTimers, settle } from "../pod/fixtures.ts";
import { runningPod } from "./fake.ts";

const MEMORY = { usage: 300, workingSet: 200, rss: 100, pageFaults: 7, majorPageFaults: 1, limit: 1000 };

const usage = (at: number, cpuNanos: bigint | undefined) => ({ at, cpuNanos, memory: MEMORY, pids: 3 });

const sandbox = (at: number, cpuNanos: bigint, folder = "/nowhere"): SandboxStats => ({
  id: "sandbox-1",
  metadata: { name: "web", namespace: "default", uid: "u-1", attempt: 0 },
  createdAt: "2026-01-01T00:00:00Z",
  usage: usage(at, cpuNanos),
  link: { rxBytes: 10, txBytes: 20, rxErrors: 0, txErrors: 1 },
  containers: [
    { id: "c-1", name: "main", attempt: 0, startedAt: "2026-01-01T00:00:01Z", folder, usage: usage(at, cpuNanos / 2n) },
  ],
});

async function serve(t: Test) {
  const root = t.testdir();
  mkdirSync(join(root, "c", "upper"), { recursive: true });
  writeFileSync(join(root, "c", "upper", "file"), Buffer.alloc(10_000));
  const pod = runningPod("web");
  pod.metadata.labels = { quoted: 'a"b' };
  const stats = [sandbox(1000, 2_000_000n, join(root, "c"))];
  const server = createKubeletServer({
    config: { root, logs: join(root, "logs"), linkPrefix: "pr" },
    facts: { name: 'no"de', cpus: 2, memoryBytes: 1024 },
    pods: { list: () => [pod] },
    sampler: { sample: async () => ({ stats, nanoCores: new Map([["c-1", 5]]) }) },
    meter: { measure: async (path) => (path.endsWith("upper") ? { usedBytes: 12_288, inodesUsed: 1 } : undefined) },
    version: "1.2.3",
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return (path: string, options: { method?: string; host?: string } = {}) =>
    new Promise<{ code: number; type: string; body: string }>((resolve, reject) => {
      const { method = "GET", host = "localhost:10255" } = options;
      const asked = request(
        { port, host: "127.0.0.1", path, method, headers: { host }, agent: false },
        async (answer) => {
          const body = (await answer.setEncoding("utf8").toArray()).join("");
          resolve({ code: answer.statusCode ?? 0, type: String(answer.headers["content-type"]), body });
        },
      );
      asked.on("error", reject).end();
    });
}

t.test("each endpoint answers in the kubelet's shape", async (t) => {
  const get = await serve(t);
  t.match(await get("/healthz"), { code: 200, body: "ok" });
  t.match(JSON.parse((await get("/pods/")).body), { kind: "PodList", items: [{ metadata: { name: "web" } }] });
  t.match(JSON.parse((await get("/spec?x=y")).body), { num_cores: 2, memory_capacity: 1024, boot_id: /-/ });
  const { body } = await get("/stats/summary");
  t.match(JSON.parse(body), {
    node: {
      nodeName: 'no"de',
      cpu: { usageCoreNanoSeconds: Number },
      memory: { workingSetBytes: Number },
      fs: { capacityBytes: Number },
    },
    pods: [
      {
        podRef: { name: "web", namespace: "default", uid: "u-1" },
        cpu: { usageCoreNanoSeconds: 2_000_000 },
        memory: { workingSetBytes: 200, rssBytes: 100, usageBytes: 300, availableBytes: 800 },
        network: { name: "eth0", rxBytes: 10, txBytes: 20, txErrors: 1 },
        containers: [
          {
            name: "main",
            cpu: { usageNanoCores: 5, usageCoreNanoSeconds: 1_000_000 },
            rootfs: { usedBytes: Number, inodesUsed: 1, capacityBytes: Number },
          },
        ],
      },
    ],
  });
  t.notMatch(JSON.parse(body), { pods: [{ cpu: { usageNanoCores: Number } }] }, "what is not known is left out");
});

t.test("metrics are Prometheus' text, labels escaped", async (t) => {
  const get = await serve(t);
  const { body, type } = await get("/metrics");
  t.equal(type, "text/plain; version=0.0.4; charset=utf-8");
  for (const line of [
    'kubelet_node_name{node="no\\"de"} 1',
    "kubelet_running_pods 1",
    'kubelet_running_containers{container_state="running"} 1',
    'podrun_build_info{version="1.2.3"} 1',
    'podrun_pods{phase="Failed"} 0',
    'podrun_container_restarts_total{namespace="default",pod="web",container="main"} 0',
    "# TYPE process_cpu_seconds_total counter",
  ])
    t.ok(body.includes(`${line}\n`), line);
  for (const line of body.trimEnd().split("\n"))
    t.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? -?[\d.e+-]+)$/);
  const resource = (await get("/metrics/resource")).body;
  t.match(resource, 'container_cpu_usage_seconds_total{container="main",namespace="default",pod="web"} 0.001\n');
  t.match(resource, 'pod_memory_working_set_bytes{namespace="default",pod="web"} 200\n');
});

t.test("nothing else is answered, and no name but the machine's own", async (t) => {
  const get = await serve(t);
  t.match(await get("/"), { code: 404, body: /there are \/healthz, / });
  t.match(await get("/runningpods/"), { code: 404 });
  t.match(await get("/constructor"), { code: 404 });
  t.match(await get("/pods", { method: "POST" }), { code: 405 });
  t.match(await get("/pods", { method: "HEAD" }), { code: 200, body: "" });
  t.match(await get("/pods", { host: "evil.example.com" }), { code: 403 });
  t.match(await get("/pods", { host: "127.0.0.1:10255" }), { code: 200 });
});

t.test(
  "a rate is what was used between two looks, and not across a restart or a clock that was set back",
  async (t) => {
    const timers = new ManualTimers();
    let now: SandboxStats[] = [sandbox(1000, 0n)];
    const sampler = new UsageSampler(() => now, timers);
    const first = sampler.sample();
    await settle();
    now = [sandbox(2000, 500_000_000n)];
    await timers.advance(200);
    t.same(
      [...(await first).nanoCores],
      [
        ["sandbox-1", 500_000_000],
        ["c-1", 250_000_000],
      ],
    );
    await timers.advance(10_000);
    now = [sandbox(12_000, 1_500_000_000n)];
    t.equal(
      (await sampler.sample()).nanoCores.get("sandbox-1"),
      100_000_000,
      "since it was last asked, without a second look",
    );
    await timers.advance(10_000);
    now = [sandbox(11_000, 1_600_000_000n)];
    t.equal((await sampler.sample()).nanoCores.size, 0);
    await timers.advance(10_000);
    now = [sandbox(21_000, 10n)];
    t.equal((await sampler.sample()).nanoCores.size, 0);
  },
);
