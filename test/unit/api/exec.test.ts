import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import t from "tap";
import WebSocket from "ws";
import { openStream, type StreamRequest } from "../../../src/api/client-stream.ts";
import { PodrunError } from "../../../src/base/errors.ts";
import { type FakeDaemon, type FakeSession, runningPod, startFake } from "./fake.ts";

const base = { verb: "exec", namespace: "default", pod: "web", stdin: false, tty: false, start: false } as const;

async function run(daemon: FakeDaemon, request: Partial<StreamRequest> & { command: readonly string[] }) {
  const remote = await openStream(daemon.config, { ...base, ...request });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  remote.onStdout = (data) => out.push(data) > 0;
  remote.onStderr = (data) => err.push(data) > 0;
  return {
    remote,
    result: async () => {
      const code = await remote.exited;
      return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
    },
  };
}

t.test("output of both streams comes apart, and the exit code after all of it", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["say"] = (session) => {
    session.onStdout(Buffer.from("out "));
    session.onStderr(Buffer.from("err"));
    session.onStdout(Buffer.from("more"));
    session.end(42);
  };
  const { result } = await run(daemon, { command: ["say", "a b", "ü&="] });
  t.same(await result(), { code: 42, out: "out more", err: "err" });
  t.match(daemon.pods.requests, [
    {
      container: "main",
      request: { command: ["say", "a b", "ü&="], tty: false, stdin: false, stdout: true, stderr: true },
    },
  ]);
});

t.test("exit codes 0, 137 and 255 arrive as they are", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["exit"] = (session, request) => session.end(Number(request.command[1]));
  for (const code of [0, 137, 255])
    t.equal((await (await run(daemon, { command: ["exit", String(code)] })).result()).code, code);
});

t.test("stdin arrives in order and its end is a half-close: output still comes", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["cat"] = (session) => {
    session.events.on("endStdin", () => {
      session.onStdout(Buffer.concat(session.input));
      session.end(0);
    });
  };
  const { remote, result } = await run(daemon, { command: ["cat"], stdin: true });
  let want = "";
  for (let index = 0; index < 2000; index++) {
    want += `${index}\n`;
    remote.write(Buffer.from(`${index}\n`));
  }
  remote.endStdin();
  t.same(await result(), { code: 0, out: want, err: "" });
});

t.test("a terminal has its size from the start, changes of it arrive, and it has no stderr", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["sh"] = (session) => {
    session.events.on("resize", () => session.end(0));
  };
  const { remote, result } = await run(daemon, {
    command: ["sh"],
    stdin: true,
    tty: true,
    size: { rows: 24, columns: 80 },
  });
  t.match(daemon.pods.requests[0]?.request, { tty: true, stderr: false, rows: 24, columns: 80 });
  remote.resize({ rows: 50, columns: 132 });
  await result();
});

t.test("a client that does not read stops the process's output, and reading again starts it", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const total = 24 * 1024 * 1024;
  let session: FakeSession | undefined;
  daemon.pods.programs["flood"] = (started) => {
    session = started;
    const block = Buffer.alloc(64 * 1024, "f");
    let sent = 0;
    const pump = (): void => {
      while (!started.paused && sent < total) {
        started.onStdout(block);
        sent += block.length;
      }
      if (sent === total) started.end(0);
    };
    started.events.on("resume", pump);
    pump();
  };
  const remote = await openStream(daemon.config, { ...base, command: ["flood"] });
  let received = 0;
  let isReading = false;
  remote.onStdout = (data) => {
    received += data.length;
    return isReading;
  };
  while (session?.paused !== true) await daemon.client.version();
  t.ok(received < total / 2, `${received} bytes came through before the pause`);
  isReading = true;
  remote.resume();
  t.equal(await remote.exited, 0);
  t.equal(received, total);
});

t.test("a process that does not read stops the client's input", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  let open!: () => void;
  const total = 16 * 1024 * 1024;
  daemon.pods.programs["slow"] = (session) => {
    session.gate = new Promise((resolve) => {
      open = resolve;
    });
    let received = 0;
    session.events.on("stdin", (data: Buffer) => {
      received += data.length;
      if (received === total) session.end(0);
    });
  };
  const { remote, result } = await run(daemon, { command: ["slow"], stdin: true });
  const block = Buffer.alloc(64 * 1024, "s");
  let sent = 0;
  const pump = (): void => {
    while (sent < total) {
      sent += block.length;
      if (!remote.write(block)) return;
    }
  };
  remote.onDrain = pump;
  pump();
  // Many turns of the server's event loop: time enough to take all of it, if it did.
  for (let turn = 0; turn < 50; turn++) await daemon.client.version();
  t.ok(sent < total, `${sent} bytes were taken`);
  open();
  t.equal((await result()).code, 0);
});

t.test("a client that vanishes closes the session; one that detaches leaves it running", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const sessions: FakeSession[] = [];
  daemon.pods.programs["sh"] = (session) => sessions.push(session);
  const url = `ws+unix:${join(daemon.config.run, "podrun.sock")}:/api/v1/namespaces/default/pods/web/exec?command=sh&stdout=1`;
  const socket = new WebSocket(url, "v5.channel.k8s.io");
  await once(socket, "open");
  while (sessions[0] === undefined) await daemon.client.version();
  const closed = once(sessions[0].events, "close");
  socket.terminate();
  await closed;

  const { remote } = await run(daemon, { command: ["sh"], stdin: true, tty: true });
  while (sessions[1] === undefined) await daemon.client.version();
  await remote.detach();
  await daemon.client.version();
  t.notOk(sessions[1].log.includes("close"));
  t.ok(sessions[1].log.includes("resume"));
});

t.test("a handshake that is refused leaves no session open, and nothing to the next one", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web", ["one", "two"]));
  const sessions: FakeSession[] = [];
  daemon.pods.programs["sh"] = (session) => sessions.push(session);
  const path = "/api/v1/namespaces/default/pods/web/exec?stdout=1&command=sh";
  const socket = connect(join(daemon.config.run, "podrun.sock"));
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      "Sec-WebSocket-Key: short\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  t.match(answer.toString(), /^HTTP\/1.1 400/);
  t.ok(sessions[0]?.log.includes("close"));
  const next = new WebSocket(
    `ws+unix:${join(daemon.config.run, "podrun.sock")}:${path}&container=one`,
    "v5.channel.k8s.io",
  );
  const [response] = await once(next, "upgrade");
  t.equal(response.headers["podrun-defaulted-container"], undefined);
  next.terminate();
});

t.test("what is refused before the stream is there comes with its reason", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const open = (more: Partial<StreamRequest>) => openStream(daemon.config, { ...base, command: ["sh"], ...more });
  await t.rejects(open({ pod: "gone" }), { code: "NotFound", status: { code: 404 } });
  await t.rejects(open({ command: ["nonesuch"] }), { code: "CommandNotFound", message: /nonesuch/ });
  await t.rejects(open({ command: [] }), { code: "BadRequest", message: /without a command/ });
  t.equal((await daemon.client.version()).gitVersion, "v0.0.1");
});

t.test(
  "the stream is there before the process: input waits for it, and a start that fails is told on the stream",
  async (t) => {
    const daemon = await startFake(t);
    daemon.pods.put(runningPod("web"));
    daemon.pods.programs["cat"] = (session) =>
      session.events.on("endStdin", () => {
        session.onStdout(Buffer.concat(session.input));
        session.end(0);
      });
    const start = Promise.withResolvers<void>();
    daemon.pods.starting = start.promise;
    const { remote, result } = await run(daemon, { command: ["cat"], stdin: true });
    remote.write(Buffer.from("early"));
    remote.endStdin();
    start.resolve();
    t.match(await result(), { code: 0, out: "early" });

    const failing = Promise.withResolvers<void>();
    daemon.pods.starting = failing.promise;
    const opened = await run(daemon, { command: ["cat"] });
    failing.reject(new PodrunError("CommandNotFound", 'container "main": no command "cat"'));
    await t.rejects(opened.result(), { code: "CommandNotFound", message: /no command "cat"/ });
  },
);

t.test("a client that leaves while its process starts leaves no session open", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  const closed = new Promise<void>((resolve) => {
    daemon.pods.programs["cat"] = (session) => {
      if (session.log.includes("close")) resolve();
      else session.events.once("close", () => resolve());
    };
  });
  const start = Promise.withResolvers<void>();
  daemon.pods.starting = start.promise;
  const socket = connect(join(daemon.config.run, "podrun.sock"));
  socket.write(
    "GET /api/v1/namespaces/default/pods/web/exec?command=cat&stdout=1 HTTP/1.1\r\nHost: podrun\r\nConnection: Upgrade\r\n" +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cG9kcnVuLXdlYnNvY2tldA==\r\n" +
      "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  t.match(head.toString(), /^HTTP\/1.1 101 /);
  socket.destroy();
  start.resolve();
  await closed;
});

t.test("an unknown protocol is refused before anything is started; v4 and plain ws clients are served", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web", ["one", "two"]));
  daemon.pods.programs["sh"] = (session) => {
    session.onStdout(Buffer.from("hi"));
    session.end(3);
  };
  const url = `ws+unix:${join(daemon.config.run, "podrun.sock")}:/api/v1/namespaces/default/pods/web/exec?command=sh&stdout=1`;
  const refused = new WebSocket(url, "v9.channel.k8s.io");
  const [error] = (await once(refused, "error")) as [Error];
  t.match(error.message, /400/);
  t.equal(daemon.pods.requests.length, 0);

  const socket = new WebSocket(url, "v4.channel.k8s.io");
  const messages: Buffer[] = [];
  socket.on("message", (data: Buffer) => messages.push(data));
  const [response] = await once(socket, "upgrade");
  t.equal(response.headers["podrun-defaulted-container"], "one out of: one, two");
  await once(socket, "close");
  t.equal(socket.protocol, "v4.channel.k8s.io");
  t.equal(messages[0]?.toString("latin1"), "\x01hi");
  t.equal(messages[1]?.[0], 3);
  t.match(JSON.parse(messages[1]?.subarray(1).toString() ?? ""), {
    status: "Failure",
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: "3" }] },
  });
});

t.test("a session that fails tells its error; a daemon that goes away is told as that", async (t) => {
  const daemon = await startFake(t);
  daemon.pods.put(runningPod("web"));
  daemon.pods.programs["sh"] = (session) => session.fail(new PodrunError("MonitorGone", "the monitor is gone"));
  await t.rejects((await run(daemon, { command: ["sh"] })).result(), { code: "MonitorGone" });
  daemon.pods.programs["sh"] = () => undefined;
  const { result } = await run(daemon, { command: ["sh"] });
  const ended = t.rejects(result(), { code: "DaemonUnreachable" });
  await daemon.close();
  await ended;
});
