import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { checkGrpc } from "../../../src/pod/handlers/grpc-health.ts";
import { type HttpTarget, httpGet } from "../../../src/pod/handlers/http-get.ts";
import { dialTcp } from "../../../src/pod/handlers/tcp-socket.ts";

const HOST = "127.0.0.1";
const never = new AbortController().signal;

async function listen(t: Test, server: Server, host = HOST): Promise<number> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, host);
  await once(server, "listening");
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const serve = (t: Test, listener: RequestListener): Promise<number> => listen(t, createServer(listener));

const get = (port: number, more: Partial<HttpTarget> = {}, signal = never) =>
  httpGet({ scheme: "HTTP", host: HOST, port, path: "/", headers: [], ...more }, signal);

t.test("200 to 399 are a success, everything else a failure that names the code", async (t) => {
  for (const [status, result] of [
    [200, "success"],
    [204, "success"],
    [304, "success"],
    [399, "success"],
    [400, "failure"],
    [500, "failure"],
  ] as const) {
    const port = await serve(t, (_, response) => response.writeHead(status).end());
    const outcome = await get(port);
    t.equal(outcome.result, result, `${status}`);
    if (result === "failure") t.equal(outcome.message, `HTTP probe failed with statuscode: ${status}`);
  }
});

t.test("a request has the path with its query, the headers that were asked for, and the prober's own", async (t) => {
  const seen: unknown[] = [];
  const port = await serve(t, ({ method, url, headers }, response) => {
    seen.push([method, url, headers.host, headers["user-agent"], headers["x-a"], headers.accept]);
    response.end();
  });
  await get(port, {
    path: "/healthz?full=1",
    headers: [
      { name: "Host", value: "example.com" },
      { name: "X-A", value: "1" },
      { name: "X-A", value: "2" },
      { name: "Accept", value: "text/plain" },
    ],
  });
  await get(port, { path: "//evil.example/x" });
  t.match(seen, [
    ["GET", "/healthz?full=1", "example.com", /^kube-probe\//, "1, 2", "text/plain"],
    ["GET", "//evil.example/x", `${HOST}:${port}`, /^kube-probe\//, undefined, "*/*"],
  ]);
});

t.test("redirects are followed on the same host, and not without end", async (t) => {
  const seen: string[] = [];
  const port = await serve(t, ({ url = "" }, response) => {
    seen.push(url);
    const to: Record<string, string> = { "/": "/next", "/other": "http://localhost:1/x", "/loop": "/loop" };
    const location = to[url];
    if (location) response.writeHead(302, { location }).end();
    else response.writeHead(url === "/next" ? 500 : 200).end();
  });
  t.match(await get(port), { result: "failure", message: /statuscode: 500/ });
  t.same(seen, ["/", "/next"]);
  t.match(await get(port, { path: "/other" }), { result: "warning", message: /^Probe terminated redirects/ });
  t.match(await get(port, { path: "/loop" }), { result: "failure", message: /stopped after 10 redirects/ });
});

t.test("HTTPS is taken with whatever certificate", async (t) => {
  const folder = t.testdir();
  const file = (name: string): string => join(folder, name);
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=other.example";
  execFileSync("openssl", [...words.split(" "), "-keyout", file("key"), "-out", file("cert")], { stdio: "ignore" });
  const options = { key: readFileSync(file("key")), cert: readFileSync(file("cert")) };
  const port = await listen(
    t,
    createHttps(options, (_, response) => response.end("ok")),
  );
  t.match(await get(port, { scheme: "HTTPS" }), { result: "success", message: "ok" });
});

t.test("an answer that never ends is read as far as it is kept", async (t) => {
  const port = await serve(t, (_, response) => {
    const write = (): void => {
      while (response.write("x".repeat(4096)));
    };
    response.on("drain", write);
    write();
  });
  const { result, message } = await get(port);
  t.equal(result, "success");
  t.equal(message.length, 10 * 1024);
});

t.test("a closed port and an answer that does not come are failures in the kubelet's words", async (t) => {
  const closed = createTcp();
  const port = await listen(t, closed);
  closed.close();
  t.match(await get(port), {
    result: "failure",
    message: `Get "http://${HOST}:${port}/": dial tcp ${HOST}:${port}: connect: connection refused`,
  });
  t.match(await dialTcp(HOST, port, never), {
    result: "failure",
    message: `dial tcp ${HOST}:${port}: connect: connection refused`,
  });
  const silent = createTcp();
  const silentPort = await listen(t, silent);
  const abort = new AbortController();
  silent.on("connection", () => abort.abort());
  t.match(await get(silentPort, {}, abort.signal), { result: "failure", message: /context deadline exceeded/ });
});

t.test("what is no HTTP is a failure", async (t) => {
  const server = createTcp((socket) => socket.end("SSH-2.0-x\r\n"));
  t.match(await get(await listen(t, server)), { result: "failure" });
});

/** A server that says just this, once it was asked. */
const answerWith = (t: Test, answer: string, act: (socket: Socket) => void = (socket) => socket.end()) =>
  listen(
    t,
    createTcp((socket) => {
      socket.once("data", () => socket.write(answer, () => act(socket)));
    }),
  );

t.test("an answer that is cut short says nothing, and an attempt always ends", async (t) => {
  for (const answer of [
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
  ])
    t.match(await get(await answerWith(t, answer)), { result: "unknown", message: "unexpected EOF" });
});

t.test("a server that changes the protocol, or announces an answer without end, has failed", async (t) => {
  const upgrade = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
  t.match(await get(await answerWith(t, upgrade)), { result: "failure", message: /statuscode: 101/ });
  const announced = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(6);
  t.match(await get(await answerWith(t, announced, () => undefined)), { result: "failure", message: /too many 1xx/ });
});

t.test("headers and bodies that come drop by drop end with the timeout, and so does the connection", async (t) => {
  for (const head of ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n"]) {
    const closed = Promise.withResolvers<void>();
    const abort = new AbortController();
    const port = await answerWith(t, head, (socket) => {
      socket.on("close", () => closed.resolve());
      socket.write("x: y\r\n", () => abort.abort());
    });
    t.match(await get(port, {}, abort.signal), { result: "failure", message: /context deadline exceeded/ });
    await closed.promise;
  }
});

t.test("an attempt whose time is over before it begins fails", async (t) => {
  const port = await serve(t, () => undefined);
  t.match(await get(port, {}, AbortSignal.abort()), { result: "failure" });
  t.match(await checkGrpc(HOST, port, "", AbortSignal.abort()), { result: "failure" });
});

t.test("an open port is a success, and nothing is said on the connection", async (t) => {
  const server = createTcp();
  const port = await listen(t, server);
  const connection = once(server, "connection");
  t.match(await dialTcp(HOST, port, never), { result: "success" });
  const [socket] = (await connection) as [Socket];
  const said = await new Promise<number>((resolve) => {
    let bytes = 0;
    socket.on("data", (data) => (bytes += data.length)).on("close", () => resolve(bytes));
    socket.resume();
  });
  t.equal(said, 0);
});

/** A gRPC server that answers each call as `answer` does. */
async function grpc(t: Test, answer: (stream: ServerHttp2Stream, body: Buffer, path: string) => void): Promise<number> {
  const server = createHttp2();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => answer(stream, Buffer.concat(chunks), String(headers[":path"])));
  });
  return listen(t, server as unknown as Server);
}

/** Answers a health check with a status. */
function reply(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
}

t.test("a gRPC service is healthy when it says SERVING, and only then", async (t) => {
  const asked: unknown[] = [];
  const port = await grpc(t, (stream, body, path) => {
    asked.push([path, body.toString("latin1")]);
    reply(stream, body.includes("down") ? 2 : body.includes("odd") ? 7 : 1);
  });
  t.match(await checkGrpc(HOST, port, "", never), { result: "success", message: "service healthy" });
  t.match(await checkGrpc(HOST, port, "down", never), {
    result: "failure",
    message: 'service unhealthy (responded with "NOT_SERVING")',
  });
  t.match(await checkGrpc(HOST, port, "odd", never), { result: "failure", message: /responded with "7"/ });
  t.same(asked[0], ["/grpc.health.v1.Health/Check", "\0\0\0\0\0"]);
  t.same(asked[1], ["/grpc.health.v1.Health/Check", "\0\0\0\0\x06\x0a\x04down"]);
  const long = "s".repeat(300);
  await checkGrpc(HOST, port, long, never);
  t.match(asked[3], [/Check/, `\0\0\0\x01\x2f\x0a\xac\x02${long}`]);
});

t.test("a gRPC server without the health service, with an error, or without an answer is a failure", async (t) => {
  const fail = (code: string, message: string) => (stream: ServerHttp2Stream) =>
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": code, "grpc-message": message },
      { endStream: true },
    );
  const missing = await grpc(t, fail("12", "unknown%20service"));
  t.match(await checkGrpc(HOST, missing, "", never), {
    result: "failure",
    message: /does not implement the grpc health protocol \(grpc.health.v1.Health\): unknown service/,
  });
  const broken = await grpc(t, fail("5", "no such service"));
  t.match(await checkGrpc(HOST, broken, "x", never), {
    result: "failure",
    message: "error: health rpc probe failed: rpc error: code = 5 desc = no such service",
  });
  const abort = new AbortController();
  const silent = await grpc(t, () => abort.abort());
  t.match(await checkGrpc(HOST, silent, "", abort.signal), {
    result: "failure",
    message: /^timeout: health rpc did not complete/,
  });
  const plain = await serve(t, (_, response) => response.end("hello"));
  t.match(await checkGrpc(HOST, plain, "", never), { result: "failure" });
});

t.test("a gRPC port that nobody listens on is a failure to connect", async (t) => {
  const server = createTcp();
  const port = await listen(t, server);
  server.close();
  t.match(await checkGrpc(HOST, port, "", never), {
    result: "failure",
    message: `error: failed to connect service at "${HOST}:${port}": connect: connection refused`,
  });
});
