import { connect, type Socket } from "node:net";
import { join } from "node:path";
import t from "tap";
import { connectMonitor } from "../../../src/linux/monitor/index.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../src/linux/monitor/messages.gen.ts";
import { PROTOCOL_VERSION } from "../../../src/linux/plan/table.ts";
import { rejects, startMonitor } from "./harness.ts";

/** A raw connection: what is sent, and all that comes back until the monitor closes it or `count` messages are there. */
function exchange(folder: string, send: Buffer, count = Number.POSITIVE_INFINITY): Promise<Message[]> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(join(folder, "monitor.sock"));
    let bytes = Buffer.alloc(0);
    const messages: Message[] = [];
    socket.on("error", reject);
    socket.on("close", () => resolve(messages));
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE(0)) {
        const end = 4 + bytes.readUInt32LE(0);
        messages.push(decodeMessage(bytes.subarray(4, end)).message);
        bytes = bytes.subarray(end);
      }
      if (messages.length >= count) socket.destroy();
    });
    socket.write(send);
  });
}

const hello = (version: number): Buffer => encodeMessage(1, { type: "hello", version, pid: process.pid });

t.test("the monitor answers older and newer daemons with its own version and goes on", async (t) => {
  const { folder, client } = await startMonitor(t);
  const { pid } = await client.ready;
  for (const version of [0, 1, PROTOCOL_VERSION + 1, 0xffffffff]) {
    const list = encodeMessage(2, { type: "list" });
    const answers = await exchange(folder, Buffer.concat([hello(version), list]), 2);
    t.same(answers, [
      { type: "hello", version: PROTOCOL_VERSION, pid },
      { type: "ok", value: 0n },
    ]);
  }
});

t.test("a message of a newer protocol is refused by itself, malformed ones too; the connection lives", async (t) => {
  const { folder } = await startMonitor(t);
  const newer = encodeMessage(2, { type: "list" });
  newer.writeUInt16LE(4000, 4);
  const short = encodeMessage(3, { type: "list" });
  short.writeUInt16LE(7, 4); // cancel, without its argument
  const reply = encodeMessage(4, { type: "ok", value: 1n });
  const list = encodeMessage(5, { type: "list" });
  const answers = await exchange(folder, Buffer.concat([hello(1), newer, short, reply, list]), 5);
  t.match(answers.slice(1), [
    { type: "error", errno: 38 },
    { type: "error", errno: 74 },
    { type: "error", errno: 22 },
    { type: "ok" },
  ]);
});

t.test("no hello, no frame: the connection ends, and the monitor serves the others", async (t) => {
  const { folder, client } = await startMonitor(t);
  t.match(await exchange(folder, encodeMessage(1, { type: "list" })), [{ type: "error", errno: 71 }]);
  const endless = Buffer.alloc(12, 0xff);
  t.match(await exchange(folder, Buffer.concat([hello(1), endless])), [{ type: "hello" }]);
  t.same(await exchange(folder, Buffer.alloc(100)), []);
  t.same(await client.list(), []);
});

t.test("frames may come in any pieces", async (t) => {
  const { folder } = await startMonitor(t);
  const socket = connect(join(folder, "monitor.sock"));
  const all = Buffer.concat([hello(1), encodeMessage(2, { type: "subscribe" })]);
  const answered = new Promise<Buffer>((resolve) => {
    let got = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      got = Buffer.concat([got, chunk]);
      if (got.length === 20 + 20) resolve(got);
    });
  });
  socket.setNoDelay(true);
  for (const byte of all) await new Promise<void>((resolve) => void socket.write(Buffer.from([byte]), () => resolve()));
  t.equal((await answered).readUInt16LE(20 + 4), 3);
  socket.destroy();
});

t.test("set-up is done once, and other daemons connect to its socket", async (t) => {
  const { folder, client } = await startMonitor(t);
  await rejects(t, client.setup(folder, "again"), { details: { errno: "EALREADY" } });
  const other = await connectMonitor(join(folder, "monitor.sock"));
  t.equal((await other.ready).pid, (await client.ready).pid);
  other.close();
});
