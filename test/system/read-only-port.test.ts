// The kubelet's read-only endpoints against pods that run: numbers that move as the pods do, and nobody else's.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { makeManifest, startInstance, until } from "./support/podrun.ts";

/** A port of the loopback that was free a moment ago. */
async function freePort(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

interface Summary {
  readonly node: { readonly cpu: { readonly usageCoreNanoSeconds: number } };
  readonly pods: readonly {
    readonly podRef: { readonly name: string };
    readonly cpu: { readonly usageNanoCores: number; readonly usageCoreNanoSeconds: number };
    readonly network?: { readonly rxBytes: number; readonly txBytes: number };
    readonly containers: readonly {
      readonly name: string;
      readonly cpu: { readonly usageNanoCores: number };
      readonly memory: {
        readonly workingSetBytes: number;
        readonly rssBytes: number;
        readonly availableBytes?: number;
      };
      readonly rootfs: { readonly usedBytes: number };
      readonly logs: { readonly usedBytes: number };
    }[];
  }[];
}

t.test("a pod that works is seen to work, in the summary and in the metrics", async (t) => {
  const { port, server } = await freePort();
  server.close();
  const podrun = startInstance(t, { env: { PODRUN_READ_ONLY_PORT: String(port) } });
  const limits = { resources: { limits: { memory: "64Mi" } } };
  const work = "dd if=/dev/zero of=/tmp/big bs=1M count=3 2>/dev/null; echo begun; while :; do :; done";
  await podrun.start(
    makeManifest("busy", [{ name: "main", command: ["sh", "-c", work], ...limits }, { name: "idle" }]),
    makeManifest("host", undefined, { hostNetwork: true }),
  );
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  t.equal(await get("/healthz"), "ok");
  const list = JSON.parse(await get("/pods")) as { items: { metadata: { name: string } }[] };
  t.same(
    list.items.map(({ metadata }) => metadata.name),
    ["busy", "host"],
  );
  let busy: Summary["pods"][number] | undefined;
  await until(async () => {
    const { pods } = JSON.parse(await get("/stats/summary")) as Summary;
    busy = pods.find(({ podRef }) => podRef.name === "busy");
    const main = busy?.containers.find(({ name }) => name === "main");
    return (
      (main?.cpu.usageNanoCores ?? 0) > 1e7 && (main?.rootfs.usedBytes ?? 0) > 3e6 && (main?.logs.usedBytes ?? 0) > 0
    );
  });
  const [main, idle] = ["main", "idle"].map((name) => busy?.containers.find((one) => one.name === name));
  t.ok((main?.memory.rssBytes ?? 0) > 0 && (main?.memory.workingSetBytes ?? 0) < 64 * 1024 * 1024);
  t.ok((main?.memory.availableBytes ?? 0) > 0, "it has a limit");
  t.equal(idle?.memory.availableBytes, undefined, "it has none");
  t.ok((idle?.cpu.usageNanoCores ?? 1e9) < (main?.cpu.usageNanoCores ?? 0));
  t.ok((busy?.network?.txBytes ?? -1) >= 0);
  const { pods } = JSON.parse(await get("/stats/summary")) as Summary;
  t.equal(pods.find(({ podRef }) => podRef.name === "host")?.network, undefined, "the host's network is no pod's");
  const text = await get("/metrics");
  t.match(text, /^kubelet_running_pods 2$/m);
  t.match(text, /^kubelet_running_containers\{container_state="running"\} 3$/m);
  t.match(
    await get("/metrics/resource"),
    /^container_cpu_usage_seconds_total\{container="main",namespace="default",pod="busy"\} [\d.]+$/m,
  );
});

t.test("the pod's received bytes are what it has received", async (t) => {
  const { port, server } = await freePort();
  server.close();
  const podrun = startInstance(t, { env: { PODRUN_READ_ONLY_PORT: String(port) } });
  const serve = "dd if=/dev/zero of=/tmp/index.html bs=1M count=2 2>/dev/null; exec httpd -f -p 8080 -h /tmp";
  await podrun.start(makeManifest("server", [{ name: "main", command: ["sh", "-c", serve] }]));
  const address = (await podrun.pod("server")).status.podIP;
  await until(
    async () =>
      (await fetch(`http://${address}:8080/`).then(
        async (answer) => (await answer.arrayBuffer()).byteLength,
        () => 0,
      )) ===
      2 ** 21,
  );
  const { pods } = (await (await fetch(`http://127.0.0.1:${port}/stats/summary`)).json()) as Summary;
  const { rxBytes = 0, txBytes = 0 } = pods[0]?.network ?? {};
  t.ok(txBytes > 2 ** 21 && rxBytes < 2 ** 20 && rxBytes > 0, `rx ${rxBytes}, tx ${txBytes}`);
});

t.test("there is no port unless it was asked for, and one that is taken or no port is told", async (t) => {
  const { port, server } = await freePort();
  t.teardown(() => void server.close());
  const taken = startInstance(t, { env: { PODRUN_READ_ONLY_PORT: String(port) } });
  taken.skipCheck = true;
  t.match(await taken.podrun("get", "pods"), {
    code: 1,
    stderr: new RegExp(`the read-only port 127\\.0\\.0\\.1:${port} can't be listened on: EADDRINUSE`),
  });
  const wrong = startInstance(t, { env: { PODRUN_READ_ONLY_PORT: "http" } });
  wrong.skipCheck = true;
  t.match(await wrong.podrun("get", "pods"), {
    code: 1,
    stderr: /PODRUN_READ_ONLY_PORT is "http": want a port number/,
  });
});
