// attach: several clients of one container at once.
import { type ChildProcess, spawn } from "node:child_process";
import t from "tap";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";
import { Terminal } from "./support/terminal.ts";

t.setTimeout(300_000);

interface Client {
  readonly child: ChildProcess;
  text: string;
  readonly ended: Promise<number | null>;
}

function attach(podrun: Instance, ...argv: readonly string[]): Client {
  const child = spawn(process.execPath, [...PROGRAM, "attach", ...argv], { env: podrun.env, stdio: "pipe" });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const client: Client = { child, text: "", ended };
  child.stdout?.on("data", (data: Buffer) => {
    client.text += data.toString();
  });
  return client;
}

t.test("all who are attached see what comes, each may type, and all end with the container", async (t) => {
  const podrun = startInstance(t);
  const command = ["sh", "-c", "while read line; do echo got $line; [ $line = end ] && exit 7; done"];
  await podrun.start(makeManifest("shared", [{ name: "main", command, stdin: true }], { restartPolicy: "Never" }));
  const first = attach(podrun, "-i", "shared");
  const second = attach(podrun, "-i", "shared");
  const watcher = attach(podrun, "shared");
  const all = [first, second, watcher];
  // There is no word of an attach that has begun but what it shows.
  await until(async () => {
    first.child.stdin?.write("hello\n");
    return all.every(({ text }) => text.includes("got hello\n"));
  });
  second.child.stdin?.write("two\n");
  await until(async () => all.every(({ text }) => text.includes("got two\n")));
  second.child.kill("SIGKILL");
  await second.ended;
  first.child.stdin?.write("three\n");
  await until(async () => first.text.includes("got three\n") && watcher.text.includes("got three\n"));
  first.child.stdin?.write("end\n");
  t.equal(await first.ended, 7);
  t.equal(await watcher.ended, 7);
});

t.test("of two on one terminal one may leave with other detach keys, and the other goes on", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("shell", [{ name: "main", command: ["sh"], stdin: true, tty: true }]));
  const open = (...argv: readonly string[]) =>
    new Terminal(process.execPath, [...PROGRAM, "attach", "-it", "shell", ...argv], podrun.env);
  const stays = open();
  const leaves = open("--detach-keys=ctrl-x,q");
  await stays.until("try pressing enter");
  await leaves.until("try pressing enter");
  leaves.type("echo a$((1+1))b\r");
  await leaves.until("a2b\r\n");
  await stays.until("a2b\r\n");
  leaves.type("\x18q");
  t.equal(await leaves.end(), 0);
  stays.type("echo c$((2+2))d\r");
  await stays.until("c4d\r\n");
  stays.type("\x10\x11");
  t.equal(await stays.end(), 0);
  t.equal((await podrun.pod("shell")).status.containerStatuses?.[0]?.restartCount, 0);
});

t.test("what can't be attached to is refused with its reason", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("plain"));
  for (const [words, ...argv] of [
    [/has no stdin to attach to/, "-i", "plain"],
    [/pods "none" not found/, "none"],
    [/has no container "other"/, "plain", "-c", "other"],
    [/is no key/, "plain", "--detach-keys=enter"],
    [/want exactly one pod/],
  ] as const)
    t.match(await podrun.podrun("attach", ...argv), { code: 1, stderr: words }, argv.join(" "));
});
