import t from "tap";
import { LineSplitter, LogText, parseRecord } from "../../../src/api/cri-log.ts";

const T = "2026-11-21T07:47:01.123456789Z";
const LONG = "x".repeat(16 * 1024);

function join(lines: readonly string[], options = {}): string {
  const text = new LogText({ timestamps: false, ...options });
  const out = lines.flatMap((line) => {
    const record = parseRecord(Buffer.from(line));
    if (record === undefined) throw new Error(`no record: ${line}`);
    return text.push(record);
  });
  return Buffer.concat([...out, ...text.end()]).toString();
}

t.test("a record keeps spaces and emptiness of its text; what is none is refused", async (t) => {
  t.match(parseRecord(Buffer.from(`${T} stdout F  a b `)), { time: T, stream: "stdout", partial: false });
  t.equal(parseRecord(Buffer.from(`${T} stdout F  a b `))?.text.toString(), " a b ");
  t.equal(parseRecord(Buffer.from(`${T} stderr F `))?.text.toString(), "");
  t.equal(parseRecord(Buffer.from(`${T} stderr F`))?.text.toString(), "");
  for (const line of ["", "x", `${T} stdin F x`, `${T} stdout X x`, `${T} stdout`, " stdout F x"])
    t.equal(parseRecord(Buffer.from(line)), undefined, line);
});

t.test("pieces of a long line become one line", async (t) => {
  t.equal(join([`${T} stdout P ${LONG}`, `${T} stdout P ${LONG}`, `${T} stdout F end`]), `${LONG}${LONG}end\n`);
});

t.test("a line of the other stream does not break into a long line", async (t) => {
  const lines = [`${T} stdout P ${LONG}`, `${T} stderr F oops`, `${T} stdout F end`, `${T} stderr F more`];
  t.equal(join(lines), `${LONG}end\noops\nmore\n`);
});

t.test("a stream's unfinished last line is shown as it is, and what follows begins a new line", async (t) => {
  t.equal(join([`${T} stdout P prompt`]), "prompt");
  t.equal(join([`${T} stdout P prompt`, `${T} stderr F bye`]), "prompt\nbye\n");
});

t.test("timestamps stand once before each line, also before one that came in pieces", async (t) => {
  const lines = [`${T} stdout P ${LONG}`, `${T} stdout F end`, `${T} stdout F `];
  t.equal(join(lines, { timestamps: true }), `${T} ${LONG}end\n${T} \n`);
});

t.test("what is older than `since` is left out, to the nanosecond", async (t) => {
  const lines = ["2026-11-21T07:47:01.100000000Z stdout F old", "2026-11-21T07:47:01.200000001Z stdout F new"];
  t.equal(join(lines, { since: "2026-11-21T07:47:01.200Z" }), "new\n");
});

t.test("lines are found whatever the borders of the chunks", async (t) => {
  const text = "one\n\nthree\nrest";
  for (let size = 1; size < text.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += size)
      for (const line of splitter.push(Buffer.from(text.slice(at, at + size)))) lines.push(line.toString());
    t.same(lines, ["one", "", "three"], `chunks of ${size}`);
  }
});
