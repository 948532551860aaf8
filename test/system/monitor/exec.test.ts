import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { MonitorStream } from "../../../src/linux/monitor/stream.ts";
import { container, execIn, exitOfKey, type Fixture, rejects, startMonitor } from "./harness.ts";

/** A monitor with a sleeping container as key 1. */
async function startContainer(t: Parameters<typeof startMonitor>[0]): Promise<Fixture> {
  const fixture = await startMonitor(t);
  const { client, rootfs, folder } = fixture;
  await client.run(container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] }));
  return fixture;
}

/** Collects output; `until` waits for a text in it. */
function collect(stream: MonitorStream, name: "stdout" | "stderr") {
  let text = "";
  let wake = (): void => undefined;
  stream.on(name, (chunk: Buffer) => {
    text += chunk.toString();
    wake();
  });
  return {
    text: (): string => text,
    until: (part: string | RegExp): Promise<string> =>
      new Promise((resolve) => {
        wake = () => {
          if (typeof part === "string" ? text.includes(part) : part.test(text)) resolve(text);
        };
        wake();
      }),
  };
}

t.test("exec streams stdin, stdout and stderr apart, ends stdin by half-close and reports the exit last", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const out = collect(connection, "stdout");
  const err = collect(connection, "stderr");
  const exited = exitOfKey(connection, 100);
  await connection.run(execIn(100, false, "sh", "-c", "echo oops >&2; cat; echo after end; exit 4"));
  connection.stdin.write("first\n");
  await out.until("first\n");
  connection.stdin.end("last\n");
  t.match(await exited, { status: 4 << 8, role: 2 });
  t.equal(out.text(), "first\nlast\nafter end\n");
  t.equal(err.text(), "oops\n");
});

t.test("more than the pipes and the window hold goes through both ways unharmed", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const size = 3_000_000;
  let received = 0;
  let wrong = 0;
  connection.on("stdout", (chunk) => {
    for (const [i, byte] of chunk.entries()) if (byte !== (received + i) % 251) wrong++;
    received += chunk.length;
  });
  const exited = exitOfKey(connection, 100);
  await connection.run(execIn(100, false, "cat"));
  const sent = Buffer.alloc(size);
  for (let i = 0; i < size; i++) sent[i] = i % 251;
  connection.stdin.end(sent);
  t.equal((await exited).status, 0);
  t.equal(received, size);
  t.equal(wrong, 0);
});

t.test("a client that takes nothing holds the process back, and a process that is gone takes any input", async (t) => {
  const { stream, client } = await startContainer(t);
  const slow = await stream();
  let bytes = 0;
  slow.on("stdout", (chunk) => {
    bytes += chunk.length;
  });
  await slow.run(execIn(100, false, "yes"));
  slow.pause();
  const other = await stream();
  const exited = exitOfKey(other, 101);
  await other.run(execIn(101, false, "true"));
  t.equal((await exited).status, 0, "the others go on");
  const pid = (await client.list()).find(({ key }) => key === 100)?.pid;
  // Asleep in write(2): its number on x86_64, on arm64.
  const inWrite = () => /^(1|64) /.test(readFileSync(`/proc/${pid}/syscall`, "utf8"));
  while (!inWrite()) await new Promise((resolve) => setImmediate(resolve));
  t.ok(bytes < 8_000_000, "the queue is bounded");
  slow.resume();
  await client.signal(100, 9);
  t.equal((await exitOfKey(slow, 100)).status, 9);

  const deaf = await stream();
  const ended = exitOfKey(deaf, 102);
  const said = collect(deaf, "stdout");
  await deaf.run(execIn(102, false, "sh", "-c", "exec 0</dev/null; echo closed; sleep 1000"));
  await said.until("closed");
  await new Promise<void>((resolve) => void deaf.stdin.write(Buffer.alloc(1_000_000), () => resolve()));
  await client.signal(102, 15);
  t.equal((await ended).status, 15);
});

t.test("a terminal is the container's own, has the size asked for and tells its changes", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const out = collect(connection, "stdout");
  const exited = exitOfKey(connection, 100);
  await connection.run(
    execIn(100, true, "sh", "-c", "trap 'stty size; exit 9' WINCH; tty; stty size; while :; do sleep 0.05; done"),
  );
  await out.until("/dev/pts/0\r\n30 100\r\n");
  connection.resize(50, 132);
  await out.until("50 132\r\n");
  t.equal((await exited).status, 9 << 8);
});

t.test("Ctrl-C at a terminal interrupts its processes", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const out = collect(connection, "stdout");
  const exited = exitOfKey(connection, 100);
  await connection.run(execIn(100, true, "sh", "-c", "trap 'exit 8' INT; echo ready; while :; do sleep 0.05; done"));
  await out.until("ready");
  connection.stdin.write("\x03");
  t.equal((await exited).status, 8 << 8);
});

t.test("the end of a client's input ends what reads from a terminal", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const out = collect(connection, "stdout");
  const exited = exitOfKey(connection, 100);
  await connection.run(execIn(100, true, "sh", "-c", "echo ready; cat; exit 7"));
  await out.until("ready");
  connection.stdin.end("line\n");
  t.equal((await exited).status, 7 << 8);
  t.match(out.text(), "line\r\nline\r\n", "echoed, then written by cat");
});

t.test("closing the connection hangs a terminal's process up", async (t) => {
  const { stream, client } = await startContainer(t);
  await client.subscribe();
  const exited = exitOfKey(client, 100);
  const connection = await stream();
  const out = collect(connection, "stdout");
  await connection.run(execIn(100, true, "sh", "-c", "echo up; sleep 1000"));
  await out.until("up");
  connection.close();
  t.equal((await exited).status, 1, "SIGHUP");
});

t.test("an exec that leaves a process behind ends with its own exit", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  const out = collect(connection, "stdout");
  const exited = exitOfKey(connection, 100);
  await connection.run(execIn(100, false, "sh", "-c", "sleep 1000 & echo started"));
  t.equal((await exited).status, 0);
  t.equal(out.text(), "started\n");
});

t.test("stdin of a connection without a process, and a second window of it, are refused", async (t) => {
  const { stream } = await startContainer(t);
  const connection = await stream();
  await rejects(t, connection.request({ type: "stdin", data: Buffer.from("x") }), { details: { errno: "EBADF" } });
  await rejects(t, connection.request({ type: "resize", rows: 1, columns: 1 }), { details: { errno: "ENOTTY" } });
  await connection.run(execIn(100, false, "sleep", "1000"));
  connection.send({ type: "stdin", data: Buffer.alloc(200_000) });
  const refused = connection.request({ type: "stdin", data: Buffer.alloc(200_000) });
  await rejects(t, refused);
});
