// grpc.health.v1.Health/Check, one unary call over HTTP/2 (gRPC over HTTP/2; grpc/health.proto).

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { goError, joinHostPort, type Outcome } from "./outcome.ts";

/** HealthCheckResponse.ServingStatus. */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

const UNIMPLEMENTED = "12";

/** An answer is a few bytes; whoever sends more is no health service. */
const MOST_ANSWER = 1024;

/** Asks a gRPC server how a service ("": the server itself) is. The signal ends the attempt: too late. */
export function checkGrpc(host: string, port: number, service: string, signal: AbortSignal): Promise<Outcome> {
  const address = joinHostPort(host, port);
  return new Promise((resolve) => {
    const session = connect(`http://${address}`);
    let isConnected = false;
    const end = (outcome: Outcome): void => {
      signal.removeEventListener("abort", onAbort);
      session.destroy();
      resolve(outcome);
    };
    const fail = (message: string): void => end({ result: "failure", message });
    const onAbort = (): void =>
      fail(
        isConnected
          ? "timeout: health rpc did not complete in time"
          : `timeout: failed to connect service "${address}" in time: context deadline exceeded`,
      );
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    session.on("connect", () => {
      isConnected = true;
      call(session, service, end);
    });
    session.on("error", (error) =>
      fail(
        isConnected
          ? `error: health rpc probe failed: ${goError(error)}`
          : `error: failed to connect service at "${address}": ${goError(error)}`,
      ),
    );
  });
}

function call(session: ClientHttp2Session, service: string, end: (outcome: Outcome) => void): void {
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    "user-agent": "kube-probe/1.34",
    te: "trailers",
  });
  const chunks: Buffer[] = [];
  let size = 0;
  const status: Status = {};
  const take = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers["grpc-status"] !== undefined) status.code = String(headers["grpc-status"]);
    if (headers["grpc-message"] !== undefined) status.message = String(headers["grpc-message"]);
    if (headers[":status"] !== undefined) status.http = Number(headers[":status"]);
  };
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > MOST_ANSWER) stream.destroy(new Error("the answer is longer than a health service's"));
    else chunks.push(chunk);
  });
  stream.on("error", (error) =>
    end({ result: "failure", message: `error: health rpc probe failed: ${goError(error)}` }),
  );
  const close = (): void => end({ result: "failure", message: "error: health rpc probe failed: the server hung up" });
  stream.on("close", close);
  session.on("close", close);
  stream.on("end", () => end(verdict(status, Buffer.concat(chunks))));
  writeRequest(stream, service);
}

/** HealthCheckRequest { string service = 1 }, behind gRPC's five bytes: not compressed, length. */
function writeRequest(stream: ClientHttp2Stream, service: string): void {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

interface Status {
  code?: string;
  message?: string;
  http?: number;
}

function verdict({ code, message = "", http }: Status, body: Buffer): Outcome {
  const failure = (text: string): Outcome => ({ result: "failure", message: text });
  if (code === UNIMPLEMENTED)
    return failure(
      `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${decodeMessage(message)}`,
    );
  if (code !== "0") {
    const what =
      code === undefined ? `no grpc-status, HTTP status ${http}` : `code = ${code} desc = ${decodeMessage(message)}`;
    return failure(`error: health rpc probe failed: rpc error: ${what}`);
  }
  // HealthCheckResponse { ServingStatus status = 1 }; what is left out is 0. The values fit into one byte.
  const status = body[5] === 0x08 ? (body[6] ?? 0) : 0;
  if (STATUSES[status] === "SERVING") return { result: "success", message: "service healthy" };
  return failure(`service unhealthy (responded with "${STATUSES[status] ?? status}")`);
}

/** grpc-message is percent-encoded. */
function decodeMessage(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
