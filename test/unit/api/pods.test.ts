import { createConnection } from "node:net";
import { join } from "node:path";
import t from "tap";
import { ApiError } from "../../../src/api/status.ts";
import { makePod, runningPod, startFake } from "./fake.ts";

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiError)) throw new Error(`want an ApiError, have ${String(error)}`);
  return error;
}

/** Sends raw bytes, answers all that came back. */
function sendRaw(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("utf8");
    });
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}

t.test("a pod that was created can be read, listed by namespace and label, replaced and deleted", async (t) => {
  const { client, pods } = await startFake(t);
  const pod = makePod("web");
  pod.metadata.labels = { app: "web" };
  const created = await client.createPod(pod);
  t.equal(created.metadata.resourceVersion, "1");
  await client.createPod(makePod("other", ["main"], "elsewhere"));

  t.equal((await client.getPod("default", "web")).metadata.uid, created.metadata.uid);
  const names = async (query: Parameters<typeof client.listPods>[0]) =>
    (await client.listPods(query)).items.map((item) => item.metadata.name);
  t.same(await names({}), ["web", "other"]);
  t.same(await names({ namespace: "elsewhere" }), ["other"]);
  t.same(await names({ labelSelector: "app in (web)" }), ["web"]);
  t.same(await names({ labelSelector: "!app" }), ["other"]);
  t.same(await names({ fieldSelector: "metadata.name!=web" }), ["other"]);

  const changed = structuredClone(created);
  changed.metadata.labels = { app: "new" };
  t.same((await client.replacePod(changed)).metadata.labels, { app: "new" });
  t.ok((await client.deletePod("default", "web", 7)).metadata.deletionTimestamp);
  t.same(pods.deletions, [7]);
});

t.test("a dry run answers the pod and creates nothing", async (t) => {
  const { client, pods } = await startFake(t);
  t.equal((await client.createPod(makePod("web"), { dryRun: true })).metadata.name, "web");
  t.equal(pods.pods.size, 0);
});

t.test("errors come as Status with the Kubernetes reason, HTTP code and podrun's own code", async (t) => {
  const { client } = await startFake(t);
  const missing = await refusal(client.getPod("default", "gone"));
  t.match(missing, { code: "NotFound", message: 'pods "gone" not found', details: { name: "gone" } });
  t.match(missing.status, { reason: "NotFound", code: 404, details: { kind: "pods", name: "gone" } });

  await client.createPod(makePod("web"));
  t.match((await refusal(client.createPod(makePod("web")))).status, { reason: "AlreadyExists", code: 409 });

  const unknown = structuredClone(makePod("two")) as unknown as { spec: Record<string, unknown> };
  unknown.spec["hostNetwrok"] = true;
  const refused = await refusal(client.createPod(unknown as never));
  t.match(refused.status, { reason: "Invalid", code: 422, details: { podrunCode: "UnknownField" } });
  t.match(refused.message, /hostNetwrok/);
  t.match((await refusal(client.listPods({ labelSelector: "a in" }))).status, { reason: "BadRequest", code: 400 });
  t.match((await refusal(client.listPods({ fieldSelector: "spec.nope=x" }))).message, /spec.nope/);
  const wrongPath = structuredClone(makePod("three", ["main"], "a"));
  wrongPath.metadata.namespace = "b/../c";
  t.match((await refusal(client.createPod(wrongPath))).status, { code: 422 });
});

t.test("a body that is no pod, no JSON, missing, or beyond the limit is refused, and the server goes on", async (t) => {
  const { config, client } = await startFake(t);
  const socket = join(config.run, "podrun.sock");
  const post = (body: string, type = "application/json") =>
    sendRaw(
      socket,
      `POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  t.match(await post("{"), /400 Bad Request[\s\S]*not JSON/);
  t.match(await post(""), /400 Bad Request[\s\S]*no body/);
  t.match(await post("[]"), /^HTTP\/1.1 4/);
  t.match(await post(`"${"x".repeat(3 * 1024 * 1024)}"`), /400 Bad Request[\s\S]*bytes/);
  t.match(await post('{"apiVersion":"v1","kind":"Service","metadata":{"name":"x"}}'), /^HTTP\/1.1 422/);
  t.match(await sendRaw(socket, "GET /api/v1/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1.1 400/);
  t.match(await sendRaw(socket, "GET /api/v2/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1.1 404/);
  t.match(await sendRaw(socket, "PATCH /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1.1 405/);
  t.match(await sendRaw(socket, "nonsense\r\n\r\n"), /^HTTP\/1.1 400/);
  t.match(await sendRaw(socket, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /200 OK[\s\S]*ok$/);
  t.equal((await client.version()).gitVersion, "v0.0.1");
});

t.test("events are selected by the object that they are about", async (t) => {
  const { client, pods } = await startFake(t);
  const event = (name: string) =>
    ({
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        name: `${name}.1`,
        namespace: "default",
        creationTimestamp: "2026-11-21T08:00:00Z",
        resourceVersion: "1",
      },
      involvedObject: { kind: "Pod", namespace: "default", name, uid: `uid-${name}` },
      reason: "Started",
      message: "m",
      type: "Normal",
      source: { component: "podrun" },
      firstTimestamp: "2026-11-21T08:00:00Z",
      lastTimestamp: "2026-11-21T08:00:00Z",
      count: 1,
    }) as const;
  pods.kubeEvents.push(event("a"), event("b"));
  t.equal((await client.listEvents("default")).length, 2);
  const found = await client.listEvents(undefined, "involvedObject.name=b,type!=Warning");
  t.same(
    found.map((one) => one.involvedObject.name),
    ["b"],
  );
  t.match((await refusal(client.listEvents("default", "colour=red"))).message, /colour/);
});

t.test("plan hands the decoded pods and their sources on; trace gives times as strings", async (t) => {
  const { client, pods } = await startFake(t);
  pods.operations = [{ index: 0, part: "sandbox", actor: "monitor", op: "unshare", text: "net", why: "default" }];
  const sources = [{ "spec.hostNetwork": "pod.yaml:7" }];
  t.same(await client.plan([makePod("web")], sources), pods.operations);
  t.same(pods.planned?.sources, sources);
  t.equal(pods.planned?.pods[0]?.spec.restartPolicy, "Always");
  pods.put(runningPod("web"));
  const operation = { index: 0, part: "sandbox", actor: "monitor", op: "mkdir", text: "x", why: "" };
  pods.traced = [{ ...operation, start: 2n ** 60n, end: 2n ** 60n + 5n }];
  t.same(await client.trace("default", "web"), [
    { ...operation, start: "1152921504606846976", end: "1152921504606846981" },
  ]);
  t.match((await refusal(client.trace("default", "gone"))).status, { code: 404 });
});

t.test("the shutdown is answered before the daemon is told to leave", async (t) => {
  const { client, system } = await startFake(t);
  await client.systemShutdown();
  await client.version();
  t.equal(system.shutdowns, 1);
});
