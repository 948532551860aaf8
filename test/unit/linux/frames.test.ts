import t from "tap";
import { FrameReader } from "../../../src/linux/monitor/frames.ts";
import { encodeMessage, type Message } from "../../../src/linux/monitor/messages.gen.ts";

const SENT: [number, Message][] = [
  [0, { type: "hello", version: 1, pid: 2 }],
  [7, { type: "stdout", data: Buffer.alloc(65_536, "x") }],
  [8, { type: "ok", value: 9n }],
  [9, { type: "stdout", data: Buffer.alloc(0) }],
];
const stream = Buffer.concat(SENT.map(([request, message]) => encodeMessage(request, message)));

t.test("messages come out whole and in order however the stream is cut", async (t) => {
  for (const size of [1, 3, 4, 5, 17, 1000, 65_536, stream.length]) {
    const got: [number, Message][] = [];
    const frames = new FrameReader();
    for (let at = 0; at < stream.length; at += size)
      frames.feed(stream.subarray(at, at + size), (request, message) => got.push([request, message]));
    t.strictSame(got, SENT, `cut into pieces of ${size}`);
  }
});

t.test("output in a whole frame is not copied", async (t) => {
  const frame = encodeMessage(0, { type: "stdout", data: Buffer.from("hello") });
  new FrameReader().feed(frame, (_, message) => {
    t.equal(message.type === "stdout" && message.data.buffer, frame.buffer);
  });
});

t.test("a stream that is not the protocol is refused", async (t) => {
  const feed = (bytes: Buffer) => () => new FrameReader().feed(bytes, () => undefined);
  t.throws(feed(Buffer.from("GET / HTTP/1.1\r\n\r\n")), { code: "Internal", message: /a frame of \d+ bytes/ });
  const unknown = encodeMessage(0, { type: "subscribe" });
  unknown.writeUInt16LE(999, 4);
  t.throws(feed(unknown), { code: "Internal", message: /unknown type 999/ });
  const short = encodeMessage(0, { type: "ok", value: 1n }).subarray(0, 16);
  short.writeUInt32LE(12, 0);
  t.throws(feed(Buffer.from(short)), { code: "Internal" });
});
