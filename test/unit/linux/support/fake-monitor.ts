import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { FrameReader } from "../../../../src/linux/monitor/frames.ts";
import { encodeMessage, type Message } from "../../../../src/linux/monitor/messages.gen.ts";
import { PROTOCOL_VERSION } from "../../../../src/linux/plan/table.ts";

export interface FakeConnection {
  readonly socket: Socket;
  send(message: Message, request?: number): void;
}

type Answer = (connection: FakeConnection, message: Message, request: number) => void;

/** A monitor's end of the protocol without a monitor: greets, hands every other message to `answer`. Gives its socket's path. */
export async function fakeMonitor(t: Test, answer: Answer, version = PROTOCOL_VERSION): Promise<string> {
  // Not t.testdir(): a socket's path may have 107 bytes at most.
  const folder = mkdtempSync(join(tmpdir(), "podrun-"));
  const path = join(folder, "monitor.sock");
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const frames = new FrameReader();
    const connection: FakeConnection = {
      socket,
      send: (message, request = 0) => void socket.write(encodeMessage(request, message)),
    };
    socket.on("data", (chunk: Buffer) =>
      frames.feed(chunk, (request, message) => {
        if (message.type === "hello") connection.send({ type: "hello", version, pid: 4711 });
        else answer(connection, message, request);
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return path;
}

/** A results page as the monitor writes it. */
export function resultsPage(rows: readonly { start: bigint; end: bigint; value: bigint; errno: number }[]): Buffer {
  const page = Buffer.alloc(rows.length * 32);
  rows.forEach(({ start, end, value, errno }, i) => {
    page.writeBigUInt64LE(start, i * 32);
    page.writeBigUInt64LE(end, i * 32 + 8);
    page.writeBigUInt64LE(value, i * 32 + 16);
    page.writeUInt32LE(errno, i * 32 + 24);
  });
  return page;
}
