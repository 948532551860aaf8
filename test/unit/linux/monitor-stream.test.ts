import { once } from "node:events";
import { finished } from "node:stream/promises";
import t from "tap";
import { exitOf, openStream } from "../../../src/linux/monitor/index.ts";
import { fakeMonitor } from "./support/fake-monitor.ts";

const WINDOW = 256 * 1024;

t.test("output comes before the exit, each stream apart", async (t) => {
  const path = await fakeMonitor(t, ({ send }, _, request) => {
    send({ type: "ok", value: 0n }, request);
    send({ type: "stdout", data: Buffer.from("out") });
    send({ type: "stderr", data: Buffer.from("err") });
    send({ type: "exited", key: 1, pid: 2, status: 3 << 8, role: 2, finished: 1n });
  });
  const stream = openStream(path);
  t.teardown(() => stream.close());
  const events: string[] = [];
  stream.on("stdout", (data) => events.push(`out ${data}`));
  stream.on("stderr", (data) => events.push(`err ${data}`));
  const exit = once(stream, "exited");
  await stream.attach(1, { stdin: true });
  const [message] = await exit;
  t.strictSame(events, ["out out", "err err"]);
  t.strictSame(exitOf(message), { code: 3, signal: 0 });
});

t.test("no more than the window of stdin is under way before the process takes it", async (t) => {
  let received = 0;
  let ended = false;
  const size = WINDOW * 3 + 5;
  const path = await fakeMonitor(t, ({ send }, message) => {
    if (message.type !== "stdin") return;
    t.ok(message.data.length <= 64 * 1024);
    received += message.data.length;
    if (message.data.length === 0) ended = true;
    t.ok(received <= acknowledged + WINDOW);
    if (received === acknowledged + WINDOW || received === size) {
      send({ type: "stdin_ack", bytes: received - acknowledged });
      acknowledged = received;
    }
    if (ended) send({ type: "exited", key: 1, pid: 2, status: 0, role: 2, finished: 1n });
  });
  let acknowledged = 0;
  const stream = openStream(path);
  t.teardown(() => stream.close());
  const exit = once(stream, "exited");
  stream.stdin.end(Buffer.alloc(size, "x"));
  await exit;
  t.equal(received, size);
  t.equal(ended, true);
});

t.test("the end of input is an empty frame behind all input", async (t) => {
  const seen: string[] = [];
  const path = await fakeMonitor(t, ({ send }, message) => {
    if (message.type !== "stdin") return;
    seen.push(Buffer.from(message.data).toString());
    if (message.data.length === 0) send({ type: "exited", key: 1, pid: 2, status: 0, role: 2, finished: 1n });
  });
  const stream = openStream(path);
  t.teardown(() => stream.close());
  stream.stdin.write("one");
  stream.stdin.end("two");
  await once(stream, "exited");
  t.strictSame(seen, ["one", "two", ""]);
});

t.test("writing to a monitor that went fails the stream, and does not end the process", async (t) => {
  const path = await fakeMonitor(t, ({ socket }) => socket.destroy());
  const stream = openStream(path);
  const over = finished(stream.stdin);
  stream.stdin.write("x");
  await t.rejects(over, { code: "MonitorGone" });
});

t.test("a signal reads as 128 and its number", async (t) => {
  t.strictSame(exitOf({ status: 9 }), { code: 137, signal: 9 });
  t.strictSame(exitOf({ status: 0x80 | 11 }), { code: 139, signal: 11 }, "with a core dump");
  t.strictSame(exitOf({ status: 255 << 8 }), { code: 255, signal: 0 });
});
