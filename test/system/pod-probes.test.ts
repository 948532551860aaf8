import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import t from "tap";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const sh = (script: string) => ["sh", "-c", script];
const fast = { periodSeconds: 1, timeoutSeconds: 1 };
/** A web server, once /tmp/up is there. */
const web = {
  name: "main",
  command: sh(
    "mkdir -p /www; echo ok > /www/ok; while [ ! -e /tmp/up ]; do sleep 0.05; done; exec httpd -f -p 8080 -h /www",
  ),
  ports: [{ name: "web", containerPort: 8080 }],
};

t.test("a pod is ready when its web server answers on the pod's address, and unready when it does not", async (t) => {
  const podrun = startInstance(t);
  const readinessProbe = { httpGet: { path: "/ok", port: "web" }, failureThreshold: 1, ...fast };
  await podrun.apply(makeManifest("http", [{ ...web, readinessProbe }]));
  await until(async () =>
    /Readiness probe failed: Get "http:.*connection refused/.test(await podrun.ok("describe", "pod", "http")),
  );
  t.match(await podrun.ok("get", "pods"), /http +0\/1 +Running/);
  await podrun.ok("exec", "http", "--", "touch", "/tmp/up");
  await podrun.untilPod("http", isReady);
  await podrun.ok("exec", "http", "--", "rm", "/www/ok");
  const pod = await podrun.untilPod("http", (one) => !isReady(one));
  t.equal(pod.status.containerStatuses?.[0]?.restartCount, 0);
  t.match(await podrun.ok("describe", "pod", "http"), /Readiness probe failed: HTTP probe failed with statuscode: 404/);
  t.match(
    await podrun.ok("describe", "pod", "http"),
    /Readiness: +http-get http:\/\/:web\/ok delay=0s timeout=1s period=1s #success=1 #failure=1/,
  );
});

t.test("a failed liveness probe restarts the container, and a killed daemon does not unready the pod", async (t) => {
  const podrun = startInstance(t);
  const livenessProbe = { exec: { command: sh("echo dead >&2; test ! -e /tmp/dead") }, failureThreshold: 1, ...fast };
  const readinessProbe = { tcpSocket: { port: 8080 }, ...fast };
  const startupProbe = { tcpSocket: { port: 8080 }, failureThreshold: 600, ...fast };
  const main = { ...web, command: sh("exec httpd -f -p 8080"), livenessProbe, readinessProbe, startupProbe };
  await podrun.start(makeManifest("live", [main]));
  await podrun.killDaemon();
  t.ok(isReady(await podrun.pod("live")));
  await podrun.ok("exec", "live", "--", "touch", "/tmp/dead");
  const pod = await podrun.untilPod(
    "live",
    (one) => one.status.containerStatuses?.[0]?.restartCount === 1 && isReady(one),
  );
  t.match(pod.status.containerStatuses?.[0]?.lastState, { terminated: { reason: /./ } });
  const text = await podrun.ok("describe", "pod", "live");
  t.match(text, /Unhealthy .*Liveness probe failed: dead/);
  t.match(text, /Killing .*Container main failed liveness probe, will be restarted/);
});

t.test("commands of probes that hang are killed, and do not pile up", async (t) => {
  const podrun = startInstance(t);
  const readinessProbe = { exec: { command: sh("echo x >> /tmp/tries; exec sleep 12345") }, ...fast };
  await podrun.apply(makeManifest("hang", [{ name: "main", readinessProbe }]));
  const count = async (command: string): Promise<number> =>
    Number((await podrun.podrun("exec", "hang", "--", "sh", "-c", command)).stdout);
  await until(async () => (await count("wc -l < /tmp/tries")) >= 4);
  t.ok((await count("grep -al 'slee[p].12345' /proc/[0-9]*/cmdline | wc -l")) <= 1);
  t.match(
    await podrun.ok("describe", "pod", "hang"),
    /Readiness probe failed: command timed out: .* timed out after 1s/,
  );
});

t.test("a gRPC service is asked for its health", async (t) => {
  const server = createServer();
  let status = 2;
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
  });
  server.listen(0);
  await once(server, "listening");
  t.teardown(() => server.close());
  const podrun = startInstance(t);
  // There is no such server in an image of ours: the pod shares the host's network, where one is.
  const { port } = server.address() as AddressInfo;
  const readinessProbe = { grpc: { port, service: "shop" }, ...fast };
  await podrun.apply(makeManifest("grpc", [{ name: "main", readinessProbe }], { hostNetwork: true }));
  await until(async () =>
    /service unhealthy \(responded with "NOT_SERVING"\)/.test(await podrun.ok("describe", "pod", "grpc")),
  );
  status = 1;
  t.ok(isReady(await podrun.untilPod("grpc", isReady)));
});
