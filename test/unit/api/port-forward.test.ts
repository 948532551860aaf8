// The protocol of …/portforward, against a pod layer in memory.
import { once } from "node:events";
import t from "tap";
import WebSocket from "ws";
import { openPortForward } from "../../../src/api/client-port-forward.ts";
import { PodrunError } from "../../../src/base/errors.ts";
import { type FakeDaemon, type FakeSession, makePod, runningPod, startFake } from "./fake.ts";

const V4 = ["v4.channel.k8s.io"];
const V5 = ["v5.channel.k8s.io"];

function open(daemon: FakeDaemon, query: string, protocols: readonly string[], pod = "web"): WebSocket {
  const path = `/api/v1/namespaces/default/pods/${pod}/portforward${query}`;
  return new WebSocket(`ws+unix://${daemon.config.run}/podrun.sock:${path}`, [...protocols]);
}

/** All messages up to the server's close: the bytes of each channel, the first two apart, and which channels were closed. */
async function collect(webSocket: WebSocket) {
  const ports: Record<number, number> = {};
  const texts: Record<number, string> = {};
  const closed: number[] = [];
  webSocket.on("message", (message: Buffer) => {
    const [channel = 0, second = 0] = message;
    if (channel === 255) closed.push(second);
    else if (ports[channel] === undefined) ports[channel] = message.readUInt16LE(1);
    else texts[channel] = (texts[channel] ?? "") + message.toString("utf8", 1);
  });
  const [code] = await once(webSocket, "close");
  return { ports, texts, closed, code };
}

/** What is refused before the upgrade: HTTP code and message. */
async function refusal(webSocket: WebSocket): Promise<{ code: number | undefined; message: string }> {
  webSocket.on("error", () => undefined);
  const [, response] = await once(webSocket, "unexpected-response");
  const { message } = JSON.parse((await response.toArray()).join(""));
  return { code: response.statusCode, message };
}

const echo = (session: FakeSession): void => {
  session.events.on("stdin", (data: Buffer) => session.onStdout(data));
  session.events.on("endStdin", () => session.end(0));
};

t.test("v4: two ports on one WebSocket each begin with their number, and have channels of their own", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  for (const port of [80, 8443])
    daemon.pods.programs[`port:${port}`] = (session) =>
      session.events.on("stdin", (data: Buffer) => {
        session.onStdout(Buffer.from(`${port}:${data}`));
        session.end(0);
      });
  const webSocket = open(daemon, "?ports=80&ports=8443", V4);
  const all = collect(webSocket);
  await once(webSocket, "open");
  webSocket.send(Buffer.from("\x02second"));
  webSocket.send(Buffer.from("\x00first"));
  t.same(await all, {
    ports: { 0: 80, 1: 80, 2: 8443, 3: 8443 },
    texts: { 0: "80:first", 2: "8443:second" },
    closed: [],
    code: 1000,
  });
});

t.test("a refused port has its error on its own channel, and the other port goes on", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["port:80"] = echo;
  const webSocket = open(daemon, "?ports=81,80", V5);
  const all = collect(webSocket);
  await once(webSocket, "open");
  webSocket.send(Buffer.from("\x02hello"));
  webSocket.send(Buffer.of(255, 2));
  t.same(await all, {
    ports: { 0: 81, 1: 81, 2: 80, 3: 80 },
    texts: { 1: "nothing listens on port 81", 2: "hello" },
    closed: [0, 2],
    code: 1000,
  });
});

t.test("v5: the pod may end first and still be written to, until the client ends, too", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const heard = Promise.withResolvers<string>();
  daemon.pods.programs["port:80"] = (session) => {
    session.onStdout(Buffer.from("bye"));
    session.end(0);
    session.events.on("endStdin", () => heard.resolve(Buffer.concat(session.input).toString()));
  };
  const remote = await openPortForward(daemon.config, { namespace: "default", pod: "web", port: 80, start: false });
  let text = "";
  remote.onData = (data) => {
    text += data.toString();
    return true;
  };
  const closed = new Promise<void>((resolve) => {
    remote.onClose = resolve;
  });
  await new Promise<void>((resolve) => {
    remote.onEnd = resolve;
  });
  t.equal(text, "bye");
  remote.write(Buffer.from("late "));
  remote.write(Buffer.from("words"));
  remote.end();
  t.equal(await heard.promise, "late words");
  await closed;
});

t.test("a client that leaves closes the connection into the pod", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const session = Promise.withResolvers<FakeSession>();
  daemon.pods.programs["port:80"] = session.resolve;
  const webSocket = open(daemon, "?ports=80", V5);
  await once(webSocket, "open");
  webSocket.terminate();
  const { events, log } = await session.promise;
  if (!log.includes("close")) await once(events, "close");
  t.same(log, ["close"]);
});

t.test("a client that does not read holds the pod back, and goes on when it reads again", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const session = Promise.withResolvers<FakeSession>();
  daemon.pods.programs["port:80"] = session.resolve;
  const webSocket = open(daemon, "?ports=80", V5);
  await once(webSocket, "open");
  const inside = await session.promise;
  webSocket.pause();
  while (!inside.paused) {
    inside.onStdout(Buffer.alloc(64 * 1024));
    await new Promise((resolve) => setImmediate(resolve));
  }
  webSocket.resume();
  await once(inside.events, "resume");
  t.notOk(inside.paused);
  webSocket.terminate();
});

t.test("what can't be forwarded is refused before the upgrade", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const pending = makePod("new");
  pending.status = { phase: "Pending" };
  daemon.pods.put(pending);
  for (const [query, want] of [
    ["", /without a port/],
    ["?ports=", /ports has "": want port numbers/],
    ["?ports=0", /ports has "0"/],
    ["?ports=65536", /ports has "65536"/],
    ["?ports=80,http", /ports has "http"/],
    [`?ports=${Array(128).fill(80).join(",")}`, /128 ports are too many/],
  ] as const)
    t.match(await refusal(open(daemon, query, V4)), { code: 400, message: want });
  t.match(await refusal(open(daemon, "?ports=80", ["other"])), {
    code: 400,
    message: /unknown protocol "other"/,
  });
  t.match(await refusal(open(daemon, "?ports=80", V4, "none")), { code: 404, message: /"none" not found/ });
  t.match(await refusal(open(daemon, "?ports=80", V4, "new")), { code: 400, message: /not running.*Pending/ });
  t.match(await daemon.client.getPod("default", "web"), { metadata: { name: "web" } }, "and the daemon goes on");
  await t.rejects(
    openPortForward(daemon.config, { namespace: "default", pod: "none", port: 80, start: false }),
    new PodrunError("NotFound", 'pods "none" not found'),
  );
});
