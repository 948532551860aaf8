import t from "tap";
import { ByteWriter } from "../../../src/linux/plan/bytes.ts";

t.test("whatever comes last before the buffer is full, it grows and holds what was written", async (t) => {
  const writes: readonly [string, (writer: ByteWriter) => void][] = [
    ["u8", (writer) => writer.u8(7)],
    ["u16", (writer) => writer.u16(7)],
    ["u32", (writer) => writer.u32(7)],
    ["i32", (writer) => writer.i32(7)],
    ["u64", (writer) => writer.u64(7n)],
    ["str", (writer) => writer.str("7")],
    ["bytes", (writer) => writer.bytes(Buffer.of(7))],
  ];
  for (const [name, write] of writes)
    for (const filled of Array.from({ length: 12 }, (_, i) => 16 * 1024 - i)) {
      const writer = new ByteWriter(16 * 1024);
      writer.bytes(Buffer.alloc(filled - 4));
      write(writer);
      const bytes = writer.take();
      t.ok(
        bytes.length > filled && bytes.subarray(filled).some((byte) => byte !== 0),
        `${name} behind ${filled} bytes`,
      );
    }
});
