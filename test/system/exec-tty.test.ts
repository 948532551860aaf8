// exec -it, driven from a real terminal: node-pty is the user's terminal emulator, the container's terminal is the monitor's.
import { execFileSync } from "node:child_process";
import type { IPty } from "node-pty";
import t, { type Test } from "tap";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";
import { Terminal } from "./support/terminal.ts";

t.setTimeout(300_000);

async function startPod(t: Test): Promise<Instance> {
  const podrun = startInstance(t);
  await podrun.start(
    makeManifest("box", [{ name: "main", command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"] }]),
  );
  return podrun;
}

/** `podrun exec -it box -- COMMAND` in a terminal. */
function exec(podrun: Instance, command: readonly string[], flags: readonly string[] = []): Terminal {
  return new Terminal(process.execPath, [...PROGRAM, "exec", "-it", ...flags, "box", "--", ...command], podrun.env);
}

/** A shell whose prompt is `$> `, in which the typed text is not the answer's. */
async function shell(podrun: Instance, flags: readonly string[] = []): Promise<Terminal> {
  const terminal = exec(podrun, ["env", "PS1=$> ", "sh"], flags);
  await terminal.until("$> ");
  return terminal;
}

/** Flags of a terminal, as stty prints them. */
const modes = (pty: IPty): string =>
  execFileSync("stty", ["-a", "-F", (pty as unknown as { ptsName: string }).ptsName], { encoding: "utf8" });

t.test("the process's terminal is /dev/pts/0 of the container, with the user's size", async (t) => {
  const podrun = await startPod(t);
  const terminal = await shell(podrun);
  terminal.type("tty\r");
  t.match(await terminal.until("/dev/pts/0\r\n$> "), /tty\r\n\/dev\/pts\/0/);
  terminal.type("stty size\r");
  await terminal.until("24 80\r\n");
  terminal.type("[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all''three\r");
  await terminal.until("allthree\r\n");
  terminal.type("exit 9\r");
  t.equal(await terminal.end(), 9);
});

t.test("a new window size arrives, with SIGWINCH", async (t) => {
  const podrun = await startPod(t);
  // Not an interactive shell: that one gives each job a process group, and the kernel signals the foreground one only.
  const script = "trap 'echo size $(stty size)' WINCH; echo re''ady; while :; do sleep 0.05; done";
  const terminal = exec(podrun, ["sh", "-c", script]);
  await terminal.until("ready\r\n");
  terminal.pty.resize(132, 50);
  await terminal.until("size 50 132\r\n");
  terminal.type("\x03");
  t.equal(await terminal.end(), 130);
});

t.test("Ctrl-C ends the foreground job and not the shell; Ctrl-Z, jobs, fg and bg work", async (t) => {
  const podrun = await startPod(t);
  const terminal = await shell(podrun);
  terminal.type("echo be''gin; sleep 1000\r");
  await terminal.until("begin\r\n");
  terminal.type("\x03");
  await terminal.until("$> ");
  terminal.type("echo code $?\r");
  await terminal.until("code 130\r\n$> ");
  terminal.type("echo be''gin; sleep 1000\r");
  await terminal.until("begin\r\n");
  terminal.type("\x1a");
  await terminal.until(/Stopped[\s\S]*\$> /);
  terminal.type("jobs\r");
  await terminal.until(/\[1\]\+ +Stopped +sleep 1000[\s\S]*\$> /);
  terminal.type("bg\r");
  await terminal.until("$> ");
  terminal.type("fg\r");
  await terminal.until("sleep 1000\r\n");
  terminal.type("\x03");
  await terminal.until("$> ");
  terminal.type("\x04");
  await terminal.end();
});

t.test("Ctrl-\\ and Ctrl-D reach the process, not podrun", async (t) => {
  const podrun = await startPod(t);
  const quit = exec(podrun, [
    "sh",
    "-c",
    "trap 'echo qu''it; exit 3' QUIT; echo re''ady; while :; do sleep 0.05; done",
  ]);
  await quit.until("ready\r\n");
  quit.type("\x1c");
  await quit.until("quit");
  t.equal(await quit.end(), 3);
  const cat = exec(podrun, ["cat"]);
  cat.type("line\r");
  await cat.until(/line\r\n[\s\S]*line\r\n/);
  cat.type("\x04");
  t.equal(await cat.end(), 0);
});

t.test("vi draws its screen and saves, top draws and leaves", async (t) => {
  const podrun = await startPod(t);
  const vi = exec(podrun, ["vi", "/tmp/note"]);
  // The last of the empty lines, and the status line on line 24.
  const screen = await vi.until(/\/tmp\/note/);
  t.match(screen, /~\r?\n~|~\x1b/);
  t.notMatch(screen, /\r\r\n/);
  vi.type("ihello from vi");
  await vi.until("hello from vi");
  vi.type("\x1b");
  // Back in command mode; a colon right behind the escape would be taken for an escape sequence.
  await vi.until("- /tmp/note");
  vi.type(":wq\r");
  t.equal(await vi.end(), 0);
  t.equal(await podrun.ok("exec", "box", "--", "cat", "/tmp/note"), "hello from vi\n");
  const top = exec(podrun, ["top"]);
  await top.until(/Mem:[\s\S]*PID[\s\S]*COMMAND/);
  top.type("q");
  t.equal(await top.end(), 0);
});

t.test("the user's terminal is raw while it runs and as before at its end, whichever way that comes", async (t) => {
  const podrun = await startPod(t);
  const argv = ["exec", "-it", "box", "--", "sh", "-c", "echo run''ning; read x; exit 5"];
  const ends: readonly (readonly [why: string, code: number, end: (terminal: Terminal, pid: number) => void])[] = [
    ["the command ends", 5, (terminal) => terminal.type("x\r")],
    ["SIGTERM", 143, (_terminal, pid) => process.kill(pid, "SIGTERM")],
    ["SIGHUP", 129, (_terminal, pid) => process.kill(pid, "SIGHUP")],
    ["SIGINT from elsewhere", 130, (_terminal, pid) => process.kill(pid, "SIGINT")],
    ["the detach keys", 0, (terminal) => terminal.type("\x10\x11")],
  ];
  for (const [why, code, end] of ends) {
    // A shell that stays holds the terminal, so that its modes can be read after podrun.
    const script = `stty -a >&2; echo READY; read go; ${process.execPath} ${PROGRAM.join(" ")} ${argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ")} & pid=$!; echo PID=$pid=; fg >/dev/null; echo CODE=$?=; stty -a; read bye`;
    const terminal = new Terminal("bash", ["--norc", "--noprofile", "-m", "-c", script], podrun.env);
    const before = await terminal.until("READY");
    terminal.type("\r");
    const shown = await terminal.until("running");
    const pid = Number(/PID=(\d+)=/.exec(shown)?.[1]);
    t.match(modes(terminal.pty), /-icanon/, `${why}: raw meanwhile`);
    t.match(modes(terminal.pty), /-opost/, `${why}: output as it is meanwhile`);
    end(terminal, pid);
    const after = await terminal.until(/CODE=\d+=[\s\S]*opost[^\n]*\n[\s\S]*echoctl/);
    t.equal(Number(/CODE=(\d+)=/.exec(after)?.[1]), code, `${why}: exit code`);
    for (const mode of ["icanon", "isig", "echo", "opost", "icrnl", "ixon"])
      t.match(after, new RegExp(`[^-]\\b${mode}\\b`), `${why}: ${mode} is on again`);
    t.match(before, /[^-]\bopost\b/);
    terminal.type("\r");
    await terminal.end();
  }
});

t.test("the detach keys leave the command running; other keys can be chosen", async (t) => {
  const podrun = await startPod(t);
  const terminal = await shell(podrun, ["--detach-keys=ctrl-a,d"]);
  terminal.type("(sleep 1; echo still > /tmp/still) & while :; do sleep 0.1; done\r");
  await terminal.until("done\r\n");
  terminal.type("\x01d");
  t.equal(await terminal.end(), 0);
  await until(async () => (await podrun.podrun("exec", "box", "--", "cat", "/tmp/still")).stdout === "still\n");
  t.match(await podrun.ok("exec", "box", "--", "ps"), /sleep 0\.1|PS1/);
});

t.test("a terminal that is closed ends the command's with SIGHUP", async (t) => {
  const podrun = await startPod(t);
  const script = "trap 'echo hung > /tmp/hung; exit' HUP; echo re''ady; while :; do sleep 0.05; done";
  const terminal = exec(podrun, ["sh", "-c", script]);
  await terminal.until("ready\r\n");
  terminal.pty.kill("SIGKILL");
  await terminal.end();
  await until(async () => (await podrun.podrun("exec", "box", "--", "cat", "/tmp/hung")).stdout === "hung\n");
});

t.test("exit codes pass through, signals as 128 and their number", async (t) => {
  const podrun = await startPod(t);
  for (const [command, code] of [
    ["exit 0", 0],
    ["exit 1", 1],
    ["exit 255", 255],
    ["kill -9 $$", 137],
    ["kill -15 $$", 143],
  ] as const) {
    t.equal((await podrun.podrun("exec", "box", "--", "sh", "-c", command)).code, code, command);
    t.equal(await exec(podrun, ["sh", "-c", command]).end(), code, `${command} on a terminal`);
  }
});

t.test("without -t stdout and stderr are apart, and a closed stdin is a half-close", async (t) => {
  const podrun = await startPod(t);
  t.match(await podrun.podrun("exec", "box", "--", "sh", "-c", "echo out; echo err >&2"), {
    code: 0,
    stdout: "out\n",
    stderr: "err\n",
  });
  const sorted = await podrun.run(["exec", "-i", "box", "--", "sort"], { input: "b\na\nc\n" });
  t.match(sorted, { code: 0, stdout: "a\nb\nc\n", stderr: "" });
  t.match(await podrun.run(["exec", "-i", "box", "--", "wc", "-c"], { input: "x".repeat(5_000_000) }), {
    stdout: "5000000\n",
  });
  t.match(await podrun.run(["exec", "box", "--", "wc", "-c"], { input: "not passed on" }), { stdout: "0\n" });
});

t.test("-it without a terminal warns, and goes on without one", async (t) => {
  const podrun = await startPod(t);
  const result = await podrun.run(["exec", "-it", "box", "--", "sh", "-c", "cat; test -t 1 || echo no terminal"], {
    input: "in\n",
  });
  t.match(result, {
    code: 0,
    stdout: "in\nno terminal\n",
    stderr: "Unable to use a TTY - input is not a terminal or the right kind of file\n",
  });
});

t.test("much output arrives whole and in order, with and without a terminal", async (t) => {
  const podrun = await startPod(t);
  const lines = Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join("");
  t.equal(await podrun.ok("exec", "box", "--", "seq", "200000"), lines);
  const terminal = exec(podrun, ["sh", "-c", "seq 50000; echo E''ND"]);
  const shown = await terminal.until("END");
  t.ok(shown.includes(Array.from({ length: 50_000 }, (_, index) => `${index + 1}\r\n`).join("")));
  t.equal(await terminal.end(), 0);
});

t.test("commands that can't be run: not found is 127, not executable 126, and the reason is told", async (t) => {
  const podrun = await startPod(t);
  t.match(await podrun.podrun("exec", "box", "--", "nonesuch"), { code: 127, stderr: /nonesuch/ });
  t.match(await podrun.podrun("exec", "box", "--", "/etc/passwd"), { code: 126, stderr: /\/etc\/passwd/ });
  t.match(await podrun.podrun("exec", "box", "-c", "other", "--", "true"), { code: 1, stderr: /other/ });
  t.match(await podrun.podrun("exec", "gone", "--", "true"), { code: 1, stderr: /NotFound.*gone/ });
});
