// The client's end of a WebSocket (RFC 6455) over a socket that is connected already. The npm package `ws` loads TLS, zlib
// and crypto first, 14 ms that `podrun exec` does not have; on a unix socket none of that is needed.
import type { Socket } from "node:net";
import { PodrunError } from "../base/errors.ts";

// The key only proves that the server speaks WebSocket, so it may be a constant: "podrun-websocket" in base64, and the
// answer that section 4.2.2 derives from it.
const KEY = "cG9kcnVuLXdlYnNvY2tldA==";
const ACCEPT = "zGP5bxE7Azrd/Xix+G6v1ktLQDk=";
const HEAD_LIMIT = 64 * 1024;

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface HttpAnswer {
  readonly code: number;
  readonly body: string;
}

/** Asks for the upgrade. Resolves to the WebSocket, or to the HTTP answer with which the server refused. */
export async function openWebSocket(
  socket: Socket,
  path: string,
  protocols: readonly string[],
): Promise<WebSocketClient | HttpAnswer> {
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: podrun\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Protocol: ${protocols.join(", ")}\r\n\r\n`,
  );
  const { head, rest } = await readHead(socket);
  const code = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (code !== 101) return { code, body: await readBody(socket, head, rest) };
  if (header(head, "sec-websocket-accept") !== ACCEPT) {
    socket.destroy();
    throw new PodrunError("DaemonUnreachable", "the daemon's answer to the WebSocket handshake is wrong");
  }
  return new WebSocketClient(socket, head, rest);
}

/** Binary messages both ways. Set the callbacks before the next turn of the event loop. */
export class WebSocketClient {
  onMessage: (data: Buffer) => void = () => undefined;
  /** Called once, at a close frame or the connection's end. */
  onClose: () => void = () => undefined;
  /** More may be sent after `send` answered false. */
  onDrain: () => void = () => undefined;
  readonly #socket: Socket;
  readonly #head: string;
  #data: Buffer;
  #parts: Buffer[] = [];
  #closed = false;

  constructor(socket: Socket, head: string, rest: Buffer) {
    this.#socket = socket;
    this.#head = head;
    this.#data = rest;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.onDrain());
    socket.on("error", () => this.#finish());
    socket.on("close", () => this.#finish());
    if (rest.length > 0) setImmediate(() => this.#onData(Buffer.alloc(0)));
    socket.resume();
  }

  /** A header of the server's answer to the upgrade; the name in lower case. */
  header(name: string): string | undefined {
    return header(this.#head, name);
  }

  /** False: wait for `onDrain` before sending much more. */
  send(data: Buffer): boolean {
    return this.#closed ? true : this.#sendFrame(OPCODE.binary, data);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code = 1000): void {
    if (this.#closed) return;
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(code);
    this.#sendFrame(OPCODE.close, reason);
    this.#socket.end();
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.onClose();
  }

  #sendFrame(opcode: number, data: Buffer): boolean {
    const size = data.length;
    const extended = size < 126 ? 0 : size < 65536 ? 2 : 8;
    // A client must mask (section 5.3), against proxies on the way that could be fooled. There is none on a unix socket, so
    // the mask is zero, which leaves the data as it is.
    const frame = Buffer.alloc(2 + extended + 4 + size);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (extended === 0 ? size : extended === 2 ? 126 : 127);
    if (extended === 2) frame.writeUInt16BE(size, 2);
    if (extended === 8) frame.writeBigUInt64BE(BigInt(size), 2);
    frame.set(data, 6 + extended);
    return this.#socket.write(frame);
  }

  #onData(chunk: Buffer): void {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
    for (let frame = takeFrame(this.#data); frame !== undefined && !this.#closed; frame = takeFrame(this.#data)) {
      this.#data = this.#data.subarray(frame.length);
      this.#onFrame(frame);
    }
  }

  #onFrame(frame: Frame): void {
    if (frame.opcode === OPCODE.ping) this.#sendFrame(OPCODE.pong, frame.payload);
    else if (frame.opcode === OPCODE.close) {
      this.close();
      this.#finish();
    } else if (frame.opcode <= OPCODE.binary) {
      this.#parts.push(frame.payload);
      if (!frame.final) return;
      const [only] = this.#parts;
      const message = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
      this.#parts = [];
      this.onMessage(message);
    }
  }
}

interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly length: number;
}

/** The first frame, when it is there as a whole (section 5.2). Servers do not mask. */
function takeFrame(data: Buffer): Frame | undefined {
  if (data.length < 2) return undefined;
  const first = data.readUInt8(0);
  const short = data.readUInt8(1) & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (data.length < start) return undefined;
  const size = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
  const length = start + size;
  if (data.length < length) return undefined;
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload: data.subarray(start, length), length };
}

function header(head: string, name: string): string | undefined {
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

/** Reads up to the empty line; the socket is paused then, so that nothing is lost. */
function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let data: Buffer = Buffer.alloc(0);
    const fail = (): void => {
      reject(new PodrunError("DaemonUnreachable", "the daemon closed the connection without an answer"));
      socket.destroy();
    };
    const onData = (chunk: Buffer): void => {
      data = Buffer.concat([data, chunk]);
      const end = data.indexOf("\r\n\r\n");
      if (end === -1) {
        if (data.length >= HEAD_LIMIT) fail();
        return;
      }
      socket.pause();
      socket.off("data", onData).off("error", fail).off("close", fail);
      resolve({ head: data.toString("latin1", 0, end), rest: data.subarray(end + 4) });
    };
    socket.on("data", onData).on("error", fail).on("close", fail);
  });
}

async function readBody(socket: Socket, head: string, rest: Buffer): Promise<string> {
  const want = Number(header(head, "content-length") ?? "0");
  const chunks = [rest];
  let size = rest.length;
  if (size < want)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= want) break;
    }
  socket.destroy();
  return Buffer.concat(chunks).toString("utf8", 0, want);
}
