// attach and run -it, driven from a real terminal.
import t from "tap";
import { type Instance, makeManifest, startInstance } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";
import { Terminal } from "./support/terminal.ts";

t.setTimeout(300_000);

const podrunIn = (podrun: Instance, ...argv: readonly string[]): Terminal =>
  new Terminal(process.execPath, [...PROGRAM, ...argv], podrun.env);

t.test(
  "a container with stdin and tty can be attached to, left with the detach keys, and attached to again",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(makeManifest("shell", [{ name: "main", command: ["sh"], stdin: true, tty: true }]));
    const first = podrunIn(podrun, "attach", "-it", "shell");
    await first.until("try pressing enter");
    first.type("tty; stty size; KEPT=5\r");
    await first.until("/dev/pts/0\r\n24 80\r\n");
    first.type("\x10\x11");
    t.equal(await first.end(), 0);
    // The next prompt of the user's own shell begins a line.
    t.match(first.text, /\r\n$/);
    const again = podrunIn(podrun, "attach", "-it", "shell");
    again.type("echo kept=$KEPT=\r");
    await again.until("kept=5=\r\n");
    again.type("\x10\x11");
    t.equal(await again.end(), 0);
    t.equal((await podrun.pod("shell")).status.containerStatuses?.[0]?.restartCount, 0);
  },
);

t.test("without a terminal attach shows the output from now on, and ends with the container", async (t) => {
  const podrun = startInstance(t);
  const command = ["sh", "-c", "read line; echo got $line; echo oops >&2; exit 6"];
  await podrun.start(
    makeManifest("reader", [{ name: "main", command, stdin: true, stdinOnce: true }], { restartPolicy: "Never" }),
  );
  const result = await podrun.run(["attach", "-i", "reader"], { input: "this\n" });
  t.match(result, { code: 6, stdout: "got this\n", stderr: "oops\n" });
  t.match(await podrun.podrun("attach", "reader"), { code: 1, stderr: /reader|main/ });
});

t.test("run -it --rm gives a shell, its exit code, and leaves no pod", async (t) => {
  const podrun = startInstance(t);
  const argv = ["run", "-it", "--rm", "tmp", "--image=podrun.local/base", "--restart=Never", "--", "sh"];
  const terminal = podrunIn(podrun, ...argv);
  await terminal.until("try pressing enter");
  terminal.type("tty\r");
  await terminal.until("/dev/pts/0\r\n");
  terminal.type("exit 7\r");
  await terminal.until('pod "tmp" deleted');
  t.equal(await terminal.end(), 7);
  await podrun.podrun("wait", "--for=delete", "pod/tmp");
  t.same(await podrun.pods(), []);
});

t.test("system reset asks on a terminal, and does nothing unless the answer is yes", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("stays"));
  const no = podrunIn(podrun, "system", "reset");
  await no.until("[y/N]");
  no.type("n\r");
  t.equal(await no.end(), 1);
  t.equal((await podrun.pods()).length, 1);
  const yes = podrunIn(podrun, "system", "reset");
  await yes.until("[y/N]");
  yes.type("y\r");
  t.equal(await yes.end(), 0);
  t.same(await podrun.pods(), []);
});
