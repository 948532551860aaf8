import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import t from "tap";
import type { ContainerConfig, StreamSession } from "../../../src/sandbox/types.ts";
import { collect, logText, request, runToEnd, security, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("std");
t.teardown(() => made.close());
const { runtime } = made;
const { id: pod } = await runtime.runSandbox(made.sandbox());

const start = (name: string, script: string, change: Partial<ContainerConfig> = {}): Promise<string> =>
  startOne(runtime, pod, made.container(name, script, change));
const logOf = (id: string): string => readFileSync(runtime.containerStatus(id).logPath, "utf8");

interface LogLine {
  readonly time: string;
  readonly stream: string;
  readonly tag: string;
  readonly text: string;
}

const parse = (log: string): readonly LogLine[] =>
  log
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const [, time = "", stream = "", tag = "", text = ""] = /^(\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
      return { time, stream, tag, text };
    });

/** Waits until a session has said a text; what it said up to then. */
function untilOutput(session: StreamSession, text: string): Promise<string> {
  let said = "";
  return new Promise((resolve) => {
    session.onStdout = (data) => {
      said += data;
      if (said.includes(text)) resolve(said);
    };
  });
}

t.test("the log has CRI's lines: time, stream, full or partial, text", async (t) => {
  const long = "head -c 40000 /dev/zero | tr '\\0' a; echo; printf 'no end'";
  const { id, status } = await runToEnd(runtime, pod, made.container("lines", `echo one; echo two >&2; echo; ${long}`));
  const lines = parse(logOf(id));
  for (const { time } of lines) t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/);
  const plain = lines.filter(({ text }) => text.length < 100).map(({ stream, tag, text }) => [stream, tag, text]);
  t.strictSame(
    plain.filter(([stream]) => stream === "stdout"),
    [
      ["stdout", "F", "one"],
      ["stdout", "F", ""],
      ["stdout", "P", "no end"],
    ],
  );
  t.strictSame(
    plain.filter(([stream]) => stream === "stderr"),
    [["stderr", "F", "two"]],
  );
  const pieces = lines.filter(({ text }) => text.startsWith("aaa"));
  t.same(
    pieces.map(({ tag, text }) => [tag, text.length]),
    [
      ["P", 16384],
      ["P", 16384],
      ["F", 40000 - 2 * 16384],
    ],
  );
  t.equal(statSync(status.logPath).mode & 0o777, 0o640, "not for everybody's eyes");
  t.match(status.logPath, /\/lines\/0\.log$/);
});

t.test("all that a container says is in the log when its end is told, however fast it ends", async (t) => {
  for (let i = 0; i < 10; i++) {
    const { log, code } = await runToEnd(runtime, pod, made.container(`fast${i}`, "", { command: ["seq", "2000"] }));
    t.equal(code, 0);
    t.equal(log.split("\n").length, 2000);
  }
});

t.test("a log is rotated at its size, and only so many files are kept", async (t) => {
  // 10 MiB a file and five files: more than sixty MiB of lines.
  const { status } = await runToEnd(
    runtime,
    pod,
    made.container(
      "much",
      "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -n 700000",
    ),
  );
  const files = readdirSync(dirname(status.logPath)).sort();
  t.same(files, ["0.log", "0.log.1", "0.log.2", "0.log.3", "0.log.4"]);
  const sizes = files.map((name) => statSync(`${dirname(status.logPath)}/${name}`).size);
  // Looked at once a batch of what was read at one time.
  for (const size of sizes) t.ok(size <= 11 * 1024 * 1024, `${size} bytes`);
  t.ok(sizes.slice(1).every((size) => size > 9 * 1024 * 1024));
  for (const name of files) {
    const text = readFileSync(`${dirname(status.logPath)}/${name}`, "utf8");
    t.ok(text.endsWith("\n"), `${name} ends with a whole line`);
    t.match(text.slice(0, 40), /^\d{4}-\S+ stdout F /);
  }
});

t.test("with stdin: true what an attached client writes arrives, and the next client may go on", async (t) => {
  const id = await start("reads", "while read -r line; do echo got $line; done; echo ended", { stdin: true });
  const first = await runtime.attach(id, { stdin: true });
  const said = untilOutput(first, "got one");
  await first.write(Buffer.from("one\n"));
  await said;
  first.endStdin();
  first.close();
  const second = await runtime.attach(id, { stdin: true });
  const more = untilOutput(second, "got two");
  await second.write(Buffer.from("two\n"));
  t.notMatch(await more, /got one/, "attach shows what comes from now on");
  second.close();
  t.equal(runtime.containerStatus(id).state, "running");
  await runtime.stopContainer(id, 0);
  t.equal(logText(runtime.containerStatus(id).logPath), "got one\ngot two");
});

t.test("with stdinOnce the input ends with the first client", async (t) => {
  const change = { stdin: true, stdinOnce: true };
  const id = await start("once", "while read -r line; do echo got $line; done; echo ended", change);
  const exited = untilExited(runtime, id);
  const session = await runtime.attach(id, { stdin: true });
  const said = untilOutput(session, "got one");
  await session.write(Buffer.from("one\n"));
  await said;
  session.close();
  await exited;
  t.match(runtime.containerStatus(id), { exitCode: 0 });
  t.equal(logText(runtime.containerStatus(id).logPath), "got one\nended");
});

t.test("the end of a client's input ends it too, and the client hears the rest and the exit code", async (t) => {
  const id = await start("half", "cat; echo rest; exit 4", { stdin: true, stdinOnce: true });
  const session = await runtime.attach(id, { stdin: true });
  const said = collect(session);
  await session.write(Buffer.from("all of it\n"));
  session.endStdin();
  t.same(await said, { code: 4, stdout: "all of it\nrest\n", stderr: "" });
});

t.test("several clients hear the same, streams apart; without stdin a client's input goes nowhere", async (t) => {
  const id = await start("heard", "until test -e /tmp/go; do usleep 5000; done; echo out; echo err >&2; exit 6");
  const sessions = await Promise.all([1, 2, 3].map(() => runtime.attach(id, { stdin: true })));
  const said = Promise.all(sessions.map(collect));
  const go = await runtime.exec(id, {
    command: ["touch", "/tmp/go"],
    tty: false,
    stdin: false,
    stdout: true,
    stderr: true,
  });
  await collect(go);
  const heard = { code: 6, stdout: "out\n", stderr: "err\n" };
  t.same(await said, [heard, heard, heard]);
});

t.test("a terminal container: one stream, echo, size by attach, and its log", async (t) => {
  const script = "tty; trap 'stty size' WINCH; while :; do if read -r line; then echo got $line; fi; done";
  const id = await start("terminal", script, { tty: true, stdin: true });
  // What is typed earlier is echoed before the shell's first words.
  while (!logText(runtime.containerStatus(id).logPath).includes("/dev/pts"))
    await new Promise((resolve) => setImmediate(resolve));
  const session = await runtime.attach(id, { stdin: true });
  const said = untilOutput(session, "got hello");
  await session.write(Buffer.from("hello\n"));
  t.match(await said, /hello\r\ngot hello/, "the terminal echoes");
  const sized = untilOutput(session, "50 132");
  session.resize(50, 132);
  await session.write(Buffer.from("\n"));
  await sized;
  session.close();
  t.equal(runtime.containerStatus(id).state, "running", "a client that leaves does not hang up a container");
  await runtime.stopContainer(id, 0);
  t.match(logText(runtime.containerStatus(id).logPath), /^\/dev\/pts\/0\r?\n/);
});

t.test("Ctrl-D and Ctrl-C work on a container's terminal", async (t) => {
  const id = await start("keys", "trap 'echo broken; exit 8' INT; cat; echo ended; while :; do sleep 0.01; done", {
    tty: true,
    stdin: true,
  });
  const session = await runtime.attach(id, { stdin: true });
  const ended = untilOutput(session, "ended");
  await session.write(Buffer.from("x\n\x04"));
  await ended;
  const said = collect(session);
  await session.write(Buffer.from("\x03"));
  t.match(await said, { code: 8, stdout: /broken/ });
});

t.test("a client that does not read holds the container back, not the monitor, and goes without harm", async (t) => {
  const id = await start("slow", "until test -e /tmp/go; do usleep 5000; done; seq 200000; exit 0");
  const exited = untilExited(runtime, id);
  const slow = await runtime.attach(id, { stdin: false });
  slow.pause();
  await collect(
    await runtime.exec(id, { command: ["touch", "/tmp/go"], tty: false, stdin: false, stdout: true, stderr: true }),
  );
  slow.close();
  await exited;
  t.equal(logText(runtime.containerStatus(id).logPath).split("\n").length, 200_000);
});

t.test("a user who is not root may open /dev/stdout and /dev/stderr by name, also through exec", async (t) => {
  const change = { security: { ...security, runAsUser: 1000 }, stdin: true };
  const script = "echo out >/dev/stdout; echo err >/dev/stderr; exec 4</dev/stdin && echo open";
  const { log } = await runToEnd(runtime, pod, made.container("named", script, change));
  t.same(log.split("\n").sort(), ["err", "open", "out"]);
  const main = await start("user", "exec sleep 1000", change);
  const session = await runtime.exec(main, request(["sh", "-c", script], { stdin: true }));
  t.same(await collect(session), { code: 0, stdout: "out\nopen\n", stderr: "err\n" });
  await runtime.stopContainer(main, 0);
});

t.test("without stdin it reads as ended at once", async (t) => {
  const { log } = await runToEnd(runtime, pod, made.container("none", "cat; readlink /proc/self/fd/0"));
  t.equal(log, "/dev/null");
});

t.test("a container that ended refuses to be attached to", async (t) => {
  const { id } = await runToEnd(runtime, pod, made.container("ended", "true"));
  await t.rejects(runtime.attach(id, { stdin: false }), { code: "ContainerNotRunning" });
  t.ok(existsSync(runtime.containerStatus(id).logPath));
  await runtime.removeContainer(id);
});

t.teardown(() => runtime.removeSandbox(pod));
