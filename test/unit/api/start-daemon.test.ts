import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ApiClient } from "../../../src/api/client.ts";
import { startDaemon } from "../../../src/api/start-daemon.ts";
import { loadConfig } from "../../../src/base/config.ts";
import { PodrunError } from "../../../src/base/errors.ts";

/** A daemon's program that answers /version, and notes its pid in a file; `before` is its first statement. */
function daemonProgram(folder: string, before: string): string {
  return `
    const fs = require("node:fs");
    const http = require("node:http");
    const { join } = require("node:path");
    fs.appendFileSync(${JSON.stringify(join(folder, "pids"))}, process.pid + "\\n");
    const tell = (line) => { const fd = Number(process.env.PODRUN_READY_FD); fs.writeSync(fd, line + "\\n"); fs.closeSync(fd); };
    ${before}
    const path = join(process.env.PODRUN_RUN, "podrun.sock");
    fs.rmSync(path, { force: true });
    http.createServer((request, response) => response.end('{"gitVersion":"v9"}')).listen(path, () => tell("ready"));
  `;
}

function setUp(t: Test, before: string) {
  // Not t.testdir: its long name does not fit a socket's address.
  const folder = mkdtempSync(join(tmpdir(), "podrun-start-"));
  const config = { ...loadConfig({}), run: join(folder, "run") };
  const program = join(folder, "daemon.cjs");
  writeFileSync(join(folder, "pids"), "");
  writeFileSync(program, daemonProgram(folder, before));
  process.env["PODRUN_DAEMON"] = program;
  process.env["PODRUN_RUN"] = config.run;
  const pids = (): number[] =>
    readFileSync(join(folder, "pids"), "utf8")
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map(Number);
  t.teardown(() => {
    delete process.env["PODRUN_DAEMON"];
    delete process.env["PODRUN_RUN"];
    for (const pid of pids())
      try {
        process.kill(pid);
      } catch {
        // It has left by itself.
      }
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, config, client: new ApiClient(config), pids };
}

t.test("a command that finds no daemon starts one, and the next finds it", async (t) => {
  const { client, pids } = setUp(t, "");
  t.equal((await client.version()).gitVersion, "v9");
  t.equal((await client.version()).gitVersion, "v9");
  t.equal(pids().length, 1);
});

t.test("a socket that a dead daemon left is no daemon", async (t) => {
  const { client, config, pids } = setUp(t, "");
  // Node unlinks a socket when its server closes, so another process makes it and dies.
  const { spawnSync } = await import("node:child_process");
  const path = join(config.run, "podrun.sock");
  const script = `require("fs").mkdirSync(${JSON.stringify(config.run)},{mode:0o700});require("net").createServer().listen(${JSON.stringify(path)},()=>process.kill(process.pid,"SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script]);
  t.equal((await client.version()).gitVersion, "v9");
  t.equal(pids().length, 1);
});

t.test("two commands at once end with one daemon: the loser of the lock leaves without a word", async (t) => {
  const lock = `
    try { fs.mkdirSync(join(process.env.PODRUN_RUN, "lock")); } catch { process.exit(0); }
  `;
  const { client, pids } = setUp(t, lock);
  const answers = await Promise.all([client.version(), client.version(), client.version()]);
  t.same(
    answers.map((answer) => answer.gitVersion),
    ["v9", "v9", "v9"],
  );
  t.equal(pids().length, 3, "three were started, and two of them left");
});

t.test("when the lock's holder goes without a daemon having come of it, another one is started", async (t) => {
  const first = `if (fs.readFileSync(join(__dirname, "pids"), "utf8").split("\\n").length === 2) process.exit(0);`;
  const { client, pids } = setUp(t, first);
  t.equal((await client.version()).gitVersion, "v9");
  t.equal(pids().length, 2);
});

t.test("a daemon that tells why it can't start: its error is the command's, code and all", async (t) => {
  const { client } = setUp(
    t,
    `tell(JSON.stringify({ code: "StateCorrupt", message: "state.db is no database", details: { path: "x" } })); process.exit(1);`,
  );
  await t.rejects(client.version(), {
    code: "StateCorrupt",
    message: "the podrun daemon failed to start: state.db is no database",
    details: { path: "x" },
  });
});

t.test("a daemon that dies at its start: its last words are in the error", async (t) => {
  const { client } = setUp(t, `console.error("first"); throw new Error("boom at start");`);
  await t.rejects(client.version(), {
    code: "DaemonUnreachable",
    message: /failed to start \(exit 1\)[\s\S]*boom at start/,
  });
});

t.test("a run folder that can't be written, and a missing program, are told by name", async (t) => {
  const { folder } = setUp(t, "");
  writeFileSync(join(folder, "file"), "");
  const wrong = new ApiClient({ ...loadConfig({}), run: join(folder, "file", "run") });
  const error = await wrong.version().catch((caught: unknown) => caught);
  t.ok(error instanceof PodrunError);
  t.match(error, { code: "DaemonUnreachable", message: /file\/run/ });
});

t.test("a run folder where nothing can be made is told, and does not hang", async (t) => {
  setUp(t, "");
  const wrong = new ApiClient({ ...loadConfig({}), run: "/proc/nonexistent/run" });
  await t.rejects(wrong.version(), { code: "StateUnavailable", message: /\/proc\/nonexistent\/run: ENOENT/ });
});

t.test("a socket path that the kernel can't take is refused with the limit", async (t) => {
  const { folder } = setUp(t, "");
  const long = new ApiClient({ ...loadConfig({}), run: join(folder, "x".repeat(100)) });
  await t.rejects(long.version(), { code: "DaemonUnreachable", message: /longer than 107 bytes/ });
});

t.test("with start: false a missing daemon is an error, and none is started", async (t) => {
  const { config } = setUp(t, "");
  await t.rejects(new ApiClient(config, { start: false }).version(), { code: "DaemonUnreachable" });
});

t.test("a connection that breaks before the answer is tried once more for what only reads", async (t) => {
  const { config } = setUp(t, "");
  mkdirSync(config.run, { mode: 0o700 });
  let connections = 0;
  const server = createServer((socket) => {
    // Unread data makes the close a reset.
    if (++connections === 1) setImmediate(() => socket.destroy());
    else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"gitVersion":"v9"}');
  });
  await new Promise<void>((resolve) => server.listen(join(config.run, "podrun.sock"), resolve));
  t.teardown(() => server.close());
  t.equal((await new ApiClient(config).version()).gitVersion, "v9");
  t.equal(connections, 2);
  connections = 0;
  await t.rejects(new ApiClient(config).systemShutdown(), { code: "DaemonUnreachable" });
  t.equal(connections, 1);
});

t.test("a server that is no daemon is told as such", async (t) => {
  const { config } = setUp(t, "");
  mkdirSync(config.run, { mode: 0o700 });
  const server = createServer((socket) => socket.end("hello\n"));
  await new Promise<void>((resolve) => server.listen(join(config.run, "podrun.sock"), resolve));
  t.teardown(() => server.close());
  await t.rejects(new ApiClient(config).version(), { code: "DaemonUnreachable", message: /broke/ });
});

t.test("a daemon that hangs while it starts does not hang its caller", async (t) => {
  const { config, pids } = setUp(t, "setInterval(() => undefined, 1000); return;");
  await t.rejects(
    startDaemon(config, async () => undefined, 300),
    { code: "DaemonUnreachable", message: /not ready after 0\.3 s.*daemon\.log/ },
  );
  // Else nobody would end it.
  while (pids().length === 0) await new Promise((resolve) => setImmediate(resolve));
});
