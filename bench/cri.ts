// As much of a CRI v1 client as a benchmark needs: gRPC's unary calls over HTTP/2 on a unix socket, messages encoded by
// hand (protocol buffers' wire format; field numbers of CRI's api.proto stand where they are used).
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { createConnection } from "node:net";

type Value = string | number | bigint | Buffer;

/** One field: numbers as varint, all else with its length before it. */
export function field(number: number, value: Value): Buffer {
  if (typeof value === "number" || typeof value === "bigint")
    return Buffer.concat([varint(number << 3), varint(value)]);
  const bytes = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

export const message = (...fields: readonly Buffer[]): Buffer => Buffer.concat(fields);

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** The string in field 1 of an answer: the ids that RunPodSandbox and CreateContainer give. */
export function firstString(answer: Buffer): string {
  const length = answer[1] ?? 0;
  if (answer[0] !== 0x0a || length > 0x7f) throw new Error("CRI: an answer without a short string in field 1");
  return answer.subarray(2, 2 + length).toString("utf8");
}

export class CriClient {
  readonly #session: ClientHttp2Session;

  constructor(socketPath: string) {
    this.#session = connectHttp2("http://localhost", { createConnection: () => createConnection(socketPath) });
    // What is under way fails with it, and says so there.
    this.#session.on("error", () => undefined);
  }

  /** Calls `runtime.v1.RuntimeService/METHOD`. Throws what the server refused it for. */
  call(method: string, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ":method": "POST",
        ":path": `/runtime.v1.RuntimeService/${method}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const chunks: Buffer[] = [];
      let status: string | undefined;
      let text = "";
      const onHeaders = (headers: Record<string, unknown>): void => {
        if (headers["grpc-status"] === undefined) return;
        status = String(headers["grpc-status"]);
        text = decodeURIComponent(String(headers["grpc-message"] ?? ""));
      };
      stream.on("response", onHeaders);
      stream.on("trailers", onHeaders);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () => {
        // One message: a byte (not compressed) and four of length before it.
        if (status === "0") resolve(Buffer.concat(chunks).subarray(5));
        else reject(new Error(`CRI ${method}: status ${status}: ${text}`));
      });
      const head = Buffer.alloc(5);
      head.writeUInt32BE(request.length, 1);
      stream.end(Buffer.concat([head, request]));
    });
  }

  close(): void {
    this.#session.close();
  }
}
