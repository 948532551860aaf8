// port-forward: from ports of this machine to whatever listens in a pod.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { containerProcess } from "./support/container.ts";
import { type Instance, makeManifest, startInstance, type Teardown, until } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";

t.setTimeout(300_000);

const SERVER = join(import.meta.dirname, "support/echo-server.mjs");

interface Program {
  readonly child: ChildProcess;
  text: string;
}

function run(t: Teardown, argv: readonly string[], env = process.env): Program {
  const child = spawn(argv[0] ?? "", argv.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] });
  const program: Program = { child, text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      program.text += text;
    });
  t.teardown(() => void child.kill("SIGKILL"));
  return program;
}

const untilSaid = (program: Program, text: string | RegExp): Promise<void> =>
  until(
    async () => program.text.search(text) !== -1,
    30_000,
    () => program.text,
  );

/** A server in the network of the instance's only pod, as a container's own would be. */
async function serve(t: Teardown, podrun: Instance, address: string, port: number, kind: string): Promise<Program> {
  const network = `--net=/proc/${containerProcess(podrun, "sleep")}/ns/net`;
  const server = run(t, ["nsenter", network, process.execPath, SERVER, address, String(port), kind]);
  await untilSaid(server, "listening");
  return server;
}

/** A port-forward that listens; its local ports in the order of the arguments. */
async function forward(t: Teardown, podrun: Instance, ...argv: readonly string[]) {
  const program = run(t, [process.execPath, ...PROGRAM, "port-forward", ...argv], podrun.env);
  const wanted = argv.filter((word) => word.includes(":")).length;
  await until(
    async () => (program.text.match(/from 127\.0\.0\.1:/g) ?? []).length === wanted,
    30_000,
    () => program.text,
  );
  const ports = [...program.text.matchAll(/from 127\.0\.0\.1:(\d+) -> \d+\n/g)].map(([, port]) => Number(port));
  return { program, ports, port: ports[0] ?? 0 };
}

async function dial(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

/** However it ends. */
function untilClosed(socket: Socket): Promise<void> {
  socket.on("error", () => undefined).resume();
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

const readAll = async (socket: Socket): Promise<Buffer> => Buffer.concat(await socket.toArray());

async function exchange(port: number, text: string, host?: string): Promise<string> {
  const socket = await dial(port, host);
  socket.end(text);
  return (await readAll(socket)).toString();
}

t.test("what listens on the pod's 127.0.0.1 or ::1 only is reached from both of this machine's", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "echo");
  await serve(t, podrun, "::1", 81, "echo");
  const { program, ports } = await forward(t, podrun, "pod/web", ":80", ":81");
  const [first = 0, second = 0] = ports;
  t.match(program.text, `Forwarding from 127.0.0.1:${first} -> 80\nForwarding from [::1]:${first} -> 80\n`);
  t.equal(await exchange(first, "four"), "four");
  t.equal(await exchange(second, "six", "::1"), "six");
  await untilSaid(program, `Handling connection for ${first}\nHandling connection for ${second}\n`);
  program.child.kill("SIGINT");
  t.same(await once(program.child, "exit"), [130, null], "Ctrl-C ends it");
});

t.test("a refused connection is said, and the forwarding goes on", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  const { program, port } = await forward(t, podrun, "web", ":80");
  const refused = await dial(port);
  await untilClosed(refused);
  const words = `an error occurred forwarding ${port} -> 80: pod "default/web": nothing listens on port 80`;
  await untilSaid(program, words);
  await serve(t, podrun, "127.0.0.1", 80, "echo");
  t.equal(await exchange(port, "now"), "now");
});

t.test("100 MB arrive as they were sent in both directions at once", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "echo");
  const { port } = await forward(t, podrun, "web", ":80");
  const sent = createHash("sha256");
  const came = createHash("sha256");
  const socket = await dial(port);
  let bytes = 0;
  socket.on("data", (data) => {
    bytes += data.length;
    came.update(data);
  });
  for (let count = 0; count < 100; count++) {
    const block = randomBytes(1024 * 1024);
    sent.update(block);
    if (!socket.write(block)) await once(socket, "drain");
  }
  socket.end();
  await once(socket, "end");
  t.equal(bytes, 100 * 1024 * 1024);
  t.equal(came.digest("hex"), sent.digest("hex"));
});

t.test("each direction ends by itself, whichever is first", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "digest");
  const last = await serve(t, podrun, "127.0.0.1", 81, "last");
  const { ports } = await forward(t, podrun, "web", ":80", ":81");
  const text = "x".repeat(300_000);
  const digest = createHash("sha256").update(text).digest("hex");
  t.equal(await exchange(ports[0] ?? 0, text), `300000 ${digest}`, "the answer comes behind the end of the question");
  const socket = await dial(ports[1] ?? 0);
  t.equal((await readAll(socket)).toString(), "goodbye");
  socket.end("still heard");
  await untilSaid(last, "read still heard");
});

t.test("200 connections at once each get their own bytes back", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "echo");
  const { port } = await forward(t, podrun, "web", ":80");
  const sockets = await Promise.all(Array.from({ length: 200 }, () => dial(port)));
  for (const [index, socket] of sockets.entries()) socket.write(`${index} `);
  // All are open at this point: none has been ended.
  await Promise.all(sockets.map((socket) => once(socket, "readable")));
  for (const [index, socket] of sockets.entries()) socket.end(`again ${index}`);
  const answers = await Promise.all(sockets.map(readAll));
  t.same(
    answers.map(String),
    answers.map((_, index) => `${index} again ${index}`),
  );
});

t.test("a pod that is reset by its server resets the client, and a reset client leaves nothing behind", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "reset");
  await serve(t, podrun, "127.0.0.1", 81, "digest");
  const { ports } = await forward(t, podrun, "web", ":80", ":81");
  const socket = await dial(ports[0] ?? 0);
  socket.end();
  await untilClosed(socket);
  const rude = await dial(ports[1] ?? 0);
  rude.write("half a question");
  rude.resetAndDestroy();
  t.match(await exchange(ports[1] ?? 0, "whole"), /^5 /, "the next one is served");
});

t.test("a pod in the host's network is reached there", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("host", undefined, { hostNetwork: true }));
  const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => void server.close());
  const address = server.address();
  const inside = typeof address === "object" ? address?.port : 0;
  const { port } = await forward(t, podrun, "host", `:${inside}`);
  t.equal(await exchange(port, "here"), "here");
});

t.test("it outlives the daemon, and ends when the pod goes", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await serve(t, podrun, "127.0.0.1", 80, "echo");
  const { program, port } = await forward(t, podrun, "web", ":80");
  await podrun.killDaemon();
  t.equal(await exchange(port, "another daemon"), "another daemon", program.text);
  const ended = once(program.child, "exit");
  await podrun.ok("delete", "pod", "web");
  t.same(await ended, [1, null]);
  t.match(program.text, "error: lost connection to pod");
});

t.test("what can't be forwarded is refused with its reason", async (t) => {
  const podrun = startInstance(t);
  const ports = [
    { name: "http", containerPort: 80 },
    { name: "dns", containerPort: 53, protocol: "UDP" },
  ];
  await podrun.start(makeManifest("web", [{ name: "main", ports }]));
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.teardown(() => void taken.close());
  const bound = taken.address();
  const busy = typeof bound === "object" ? bound?.port : 0;
  const cases: readonly (readonly [RegExp | string, ...string[]])[] = [
    [/TYPE\/NAME and list of ports are required/],
    [/at least 1 PORT is required/, "web"],
    [/pods "none" not found/, "none", "80"],
    [/invalid port "70000"/, "web", "70000"],
    [/invalid port format "1:2:3"/, "web", "1:2:3"],
    [/invalid port "x" in "x:80"/, "web", "x:80"],
    [/no port named "ftp": it has http, dns/, "web", ":ftp"],
    [/port "dns" is UDP: only TCP/, "web", ":dns"],
    [/"nowhere" is not a valid IP/, "--address=nowhere", "web", "80"],
    [/must be higher than zero/, "--pod-running-timeout=0", "web", "80"],
    [/address already in use(.|\n)*unable to listen on any/, "--address=127.0.0.1", "web", `${busy}:80`],
  ];
  for (const [words, ...argv] of cases)
    t.match(await podrun.podrun("port-forward", ...argv), { code: 1, stderr: words }, argv.join(" "));
  await podrun.apply(makeManifest("done", [{ name: "main", command: ["true"] }], { restartPolicy: "Never" }));
  await podrun.untilPod("done", ({ status }) => status.phase === "Succeeded");
  const result = await podrun.podrun("port-forward", "done", "80");
  t.match(result, { code: 1, stderr: /pod is not running. Current status=Succeeded/ });
});
