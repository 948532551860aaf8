// Pods and a real registry: pull policies, accounts in Secrets, back-off, and pods that go while their image comes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { KubeEvent } from "../../src/pod/types.ts";
import { busyboxLayer } from "./support/images.ts";
import {
  type Instance,
  isReady,
  makeManifest,
  startInstance,
  stateOf,
  type Teardown,
  until,
} from "./support/podrun.ts";
import { pushImage } from "./support/push.ts";
import { type Registry, startRegistry } from "./support/registry.ts";

t.setTimeout(600_000);

const ACCOUNT = { user: "tester", password: "s3cr3t-word" };

/** An instance that speaks plain HTTP to these registries, with no other account or policy than the test's. */
function startWith(t: Teardown, ...hosts: readonly string[]): Instance {
  const folder = mkdtempSync(join(tmpdir(), "podrun-policy-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const registries = join(folder, "registries.conf");
  const policy = join(folder, "policy.json");
  writeFileSync(
    registries,
    hosts.map((host) => `[[registry]]\nprefix = "${host}"\nlocation = "${host}"\ninsecure = true\n`).join(""),
  );
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  return startInstance(t, {
    env: {
      HOME: folder,
      PODRUN_REGISTRIES_CONF: registries,
      PODRUN_POLICY: policy,
      PODRUN_IMAGE_PULL_BACKOFF: "0.5",
      PODRUN_IMAGE_PULL_BACKOFF_MAX: "2",
    },
  });
}

/** Puts a busybox with one more file into the registry; its name there. */
async function push(registry: Registry, name: string, content = "1"): Promise<string> {
  const config = { Cmd: ["sleep", "100000"], Env: ["PATH=/bin:/usr/bin"] };
  await pushImage(registry, { name, layers: [busyboxLayer(), [{ name: "version", content }]], config });
  return `${registry.host}/${name}`;
}

const pod = (name: string, image: string, spec: Record<string, unknown> = {}, container: object = {}) =>
  makeManifest(name, [{ name: "main", image, command: undefined, ...container }], spec);

const waitsFor = (podrun: Instance, name: string, reason: string) =>
  podrun.untilPod(name, (one) => stateOf(one, "main").waiting?.reason === reason);

async function eventsOf(podrun: Instance, name: string): Promise<readonly string[]> {
  const path = `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${name}`;
  const { items } = (await podrun.request("GET", path)).body as { items: readonly KubeEvent[] };
  return items.map(({ reason, message }) => `${reason}: ${message}`);
}

const manifestsAsked = (registry: Registry, method = "GET") =>
  registry.requests().filter((one) => one.method === method && one.path.includes("/manifests/") && one.status === 200)
    .length;

t.test("a private image: back-off without the account, running as soon as its Secret is there", async (t) => {
  const registry = await startRegistry(t, { password: ACCOUNT });
  const image = await push(registry, "team/private:1");
  const podrun = startWith(t, registry.host);
  const { code, stderr } = await podrun.apply(pod("web", image, { imagePullSecrets: [{ name: "key" }] }));
  t.equal(code, 0, stderr);
  const waiting = await waitsFor(podrun, "web", "ImagePullBackOff");
  t.ok(
    stateOf(waiting, "main").waiting?.message?.startsWith(`Back-off pulling image "${image}": ErrImagePull: `),
    String(stateOf(waiting, "main").waiting?.message),
  );
  const before = await eventsOf(podrun, "web");
  t.ok(
    before.includes(
      "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (key); attempting to pull the image may not succeed.",
    ),
  );
  for (const text of [
    "Failed: Error: ErrImagePull",
    `BackOff: Back-off pulling image "${image}"`,
    "Failed: Error: ImagePullBackOff",
  ])
    t.ok(before.includes(text), text);
  await podrun.ok(
    ...["create", "secret", "docker-registry", "key", `--docker-server=${registry.host}`],
    ...[`--docker-username=${ACCOUNT.user}`, `--docker-password=${ACCOUNT.password}`],
  );
  const running = await podrun.untilPod("web", isReady);
  t.match(running.status.containerStatuses?.[0]?.imageID, /^127\.0\.0\.1:\d+\/team\/private@sha256:[0-9a-f]{64}$/);
  const after = await eventsOf(podrun, "web");
  t.ok(
    after.some((text) =>
      /^Pulled: Successfully pulled image ".*" in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes\.$/.test(
        text,
      ),
    ),
    after.join("\n"),
  );
  t.notMatch(after.join("\n") + podrun.daemonLog(), ACCOUNT.password);
});

t.test("examples/private-image.yaml runs with the account that its first lines make", async (t) => {
  const registry = await startRegistry(t, { password: ACCOUNT });
  await push(registry, "team/app:1.2");
  const podrun = startWith(t, registry.host);
  await podrun.ok(
    ...["create", "secret", "docker-registry", "example", `--docker-server=${registry.host}`],
    ...[`--docker-username=${ACCOUNT.user}`, `--docker-password=${ACCOUNT.password}`],
  );
  const text = readFileSync(join(import.meta.dirname, "../../examples/private-image.yaml"), "utf8");
  const { code, stderr } = await podrun.apply(text.replaceAll("registry.example.com", registry.host));
  t.equal(code, 0, stderr);
  await podrun.untilPod("private-image", isReady);
});

t.test("IfNotPresent asks once, Always each time and takes what is new, Never not at all", async (t) => {
  const registry = await startRegistry(t);
  const image = await push(registry, "app:1");
  const podrun = startWith(t, registry.host);
  await podrun.apply(pod("never", image, {}, { imagePullPolicy: "Never" }));
  await waitsFor(podrun, "never", "ErrImageNeverPull");
  t.equal(
    registry.requests().filter(({ path }) => path.includes("/manifests/") && path.endsWith("/1")).length,
    1,
    "the push",
  );
  await podrun.start(pod("first", image));
  await podrun.untilPod("never", isReady);
  const asked = manifestsAsked(registry);
  await push(registry, "app:1", "2");
  await podrun.start(pod("second", image));
  t.equal(manifestsAsked(registry), asked);
  t.equal(await podrun.ok("exec", "second", "--", "cat", "/version"), "1");
  t.ok((await eventsOf(podrun, "second")).includes(`Pulled: Container image "${image}" already present on machine`));
  await podrun.start(pod("third", image, {}, { imagePullPolicy: "Always" }));
  t.equal(await podrun.ok("exec", "third", "--", "cat", "/version"), "2");
  await registry.stop();
  await podrun.apply(pod("fourth", image, {}, { imagePullPolicy: "Always" }));
  await waitsFor(podrun, "fourth", "ErrImagePull");
  await podrun.start(pod("fifth", image));
});

t.test("many pods of one image pull it once", async (t) => {
  const registry = await startRegistry(t);
  const image = await push(registry, "many:1");
  const podrun = startWith(t, registry.host);
  const names = Array.from({ length: 200 }, (_, index) => `pod-${index}`);
  await podrun.ok("get", "pods");
  const path = "/api/v1/namespaces/default/pods";
  for (const name of names) t.equal((await podrun.request("POST", path, pod(name, image))).status, 201);
  const isOver = async (): Promise<boolean> => {
    const { items } = (await podrun.request("GET", path)).body as { items: Parameters<typeof isReady>[0][] };
    return items.filter(isReady).length === names.length;
  };
  await until(isOver, 300_000);
  for (const [digest, times] of registry.blobsSent()) t.equal(times, 1, digest);
});

t.test("a pod is gone at once although its registry never answers", async (t) => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => {
    sockets.add(socket);
    socket
      .resume()
      .on("error", () => undefined)
      .on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const address = silent.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const podrun = startWith(t, host);
  await podrun.apply(makeManifest("web", [{ name: "main", image: `${host}/app:1` }, { name: "side" }]));
  await until(async () => sockets.size > 0);
  const seen = await podrun.untilPod("web", (one) => stateOf(one, "side").running !== undefined);
  t.equal(stateOf(seen, "main").waiting?.reason, "ContainerCreating");
  t.equal(seen.status.phase, "Pending");
  await podrun.ok("delete", "pod", "web");
  t.same(await podrun.pods(), []);
  await until(async () => sockets.size === 0);
});

t.test("who waits out a back-off tries at once when a client has brought its image in", async (t) => {
  const registry = await startRegistry(t);
  const podrun = startWith(t, registry.host);
  podrun.env["PODRUN_IMAGE_PULL_BACKOFF"] = podrun.env["PODRUN_IMAGE_PULL_BACKOFF_MAX"] = "3600";
  const image = `${registry.host}/late:1`;
  await podrun.apply(pod("never", image, {}, { imagePullPolicy: "Never" }), pod("missing", image));
  await waitsFor(podrun, "never", "ErrImageNeverPull");
  await waitsFor(podrun, "missing", "ErrImagePull");
  await push(registry, "late:1");
  await podrun.ok("pull", "--quiet", image);
  for (const name of ["never", "missing"]) await podrun.untilPod(name, isReady);
  await podrun.apply(pod("named", "docker.io/made/here:1", {}, { imagePullPolicy: "Never" }));
  await waitsFor(podrun, "named", "ErrImageNeverPull");
  await podrun.ok("tag", image, "made/here:1");
  await podrun.untilPod("named", isReady);
});
