import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { type Handler, type HandlerSubject, runHandler } from "../../../src/pod/handlers/run-handler.ts";
import { decodePod } from "../../../src/spec/index.ts";

t.test("an action reaches what its fields say: host, port or its name, path, scheme, headers, service", async (t) => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/right?a=b" && request.headers["x-word"] === "one" ? 200 : 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const pod = decodePod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [{ name: "a", image: "x", ports: [{ name: "web", containerPort: port }] }] },
  });
  const run = async (handler: Handler, address = "127.0.0.1") => {
    const node = { runtime: { sandboxStatus: () => ({ addresses: [address] }) }, facts: { addresses: [] } };
    const subject = { node, pod, container: pod.spec.containers[0], run: { id: "r" } } as unknown as HandlerSubject;
    return runHandler(handler, subject, AbortSignal.timeout(5000), "late");
  };
  const good = { scheme: "HTTP", port, path: "/right?a=b", httpHeaders: [{ name: "X-Word", value: "one" }] } as const;
  t.match(await run({ httpGet: { ...good } as never }), { result: "success" });
  t.match(await run({ httpGet: { ...good, port: "web" } as never }), { result: "success" });
  const bad: readonly [string, object, string][] = [
    ["path", { path: "/" }, "404"],
    ["value of a header", { httpHeaders: [{ name: "X-Word", value: "two" }] }, "404"],
    ["name of a header", { httpHeaders: [{ name: "X-Other", value: "one" }] }, "404"],
    ["port", { port: "none" }, 'no port "none"'],
    ["scheme", { scheme: "HTTPS" }, "SSL"],
    ["host", { host: "127.0.0.2" }, "refused"],
  ];
  for (const [what, change, message] of bad) {
    const outcome = await run({ httpGet: { ...good, ...change } as never });
    t.not(outcome.result, "success", what);
    t.match(outcome.message, message, what);
  }
  t.match(await run({ tcpSocket: { port: "web" } }), { result: "success" });
  t.match(await run({ tcpSocket: { port, host: "127.0.0.1" } }, "127.0.0.2"), { result: "success" }, "not the pod's");
  t.match(await run({ tcpSocket: { port } }, "127.0.0.2"), { result: "failure" });
  t.match(await run({ tcpSocket: { port: "none" } }), { message: 'the container has no port "none"' });
  const { grpcPort, asked } = await healthServer(t);
  t.match(await run({ grpc: { port: grpcPort, service: "up" } }), { result: "success" });
  t.match(await run({ grpc: { port: grpcPort, service: "down" } }), { result: "failure" });
  t.same(asked, ["up", "down"]);
});

/** A gRPC server whose service `up` is healthy, and no other. */
async function healthServer(t: { teardown(clean: () => void): void }) {
  const { createServer: createHttp2 } = await import("node:http2");
  const server = createHttp2();
  const asked: string[] = [];
  server.on("session", (session) => t.teardown(() => session.destroy()));
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.on("data", (body: Buffer) => {
      const service = body.subarray(7).toString();
      asked.push(service);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, service === "up" ? 1 : 2]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return { grpcPort: (server.address() as AddressInfo).port, asked };
}
