import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { collect, execText, request, runToEnd, security, startOne, startRuntime } from "./runtime.ts";

const made = await startRuntime("dev");
t.teardown(() => made.close());

/** Of /dev on this machine: some block device, and a character device that no container may open. */
const BLOCK = existsSync("/dev/vda") ? "b 254 0" : "b 1 0";
const KMSG = "c 1 11";

t.test("a container has the standard devices and links, and they work", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const script = `exec 2>&1; cd /dev; for name in null zero full random urandom tty; do stat -c "%n %t:%T %a %F" $name; done
    for name in fd stdin stdout stderr ptmx; do echo "$name $(readlink $name)"; done; ls -A /dev | tr '\\n' ' '; echo
    head -c 3 zero | wc -c; head -c 3 urandom | wc -c; echo lost >null; echo x >full; echo seen >stdout; ls pts`;
  const { log } = await runToEnd(runtime, id, made.container("main", script));
  const lines = log.split("\n");
  t.same(lines.slice(0, 6), [
    "null 1:3 666 character special file",
    "zero 1:5 666 character special file",
    "full 1:7 666 character special file",
    "random 1:8 666 character special file",
    "urandom 1:9 666 character special file",
    "tty 5:0 666 character special file",
  ]);
  t.same(lines.slice(6, 11), [
    "fd /proc/self/fd",
    "stdin /proc/self/fd/0",
    "stdout /proc/self/fd/1",
    "stderr /proc/self/fd/2",
    "ptmx pts/ptmx",
  ]);
  t.equal(lines[11], "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero ", "and no other");
  t.same(
    lines.slice(12).filter((line) => !line.includes("left on device")),
    ["3", "3", "seen", "ptmx"],
  );
  t.match(log, /No space left on device/);
  await runtime.removeSandbox(id);
});

t.test("a device that a container makes itself can't be opened, at its start and through exec", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const script = `mknod /tmp/disk ${BLOCK} && mknod /tmp/kmsg ${KMSG} && mknod /tmp/null c 1 3 && echo made
    head -c 1 /tmp/disk; echo x >/tmp/disk; echo x >/tmp/kmsg; echo x >/tmp/null && echo null opens`;
  const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
  const outcome = await execText(runtime, main, ["sh", "-c", script]);
  t.equal(outcome.stdout, "made\nnull opens\n");
  t.match(outcome.stderr, /head: \/tmp\/disk: Operation not permitted/);
  t.match(outcome.stderr, /create \/tmp\/disk: Operation not permitted/);
  t.match(outcome.stderr, /create \/tmp\/kmsg: Operation not permitted/);
  const own = await runToEnd(runtime, id, made.container("own", script));
  t.equal(own.log.match(/Operation not permitted/g)?.length, 3);
  await runtime.removeSandbox(id);
});

t.test("a privileged container has the host's devices and may open them", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const change = { security: { ...security, privileged: true } };
  const script = `mknod /tmp/kmsg ${KMSG}; exec 3</tmp/kmsg && echo open; stat -c %t:%T /dev/kmsg; ls /dev | wc -l; ls /dev/pts`;
  const { log } = await runToEnd(runtime, id, made.container("main", script, change));
  const [open, kmsg, count, ...terminals] = log.split("\n");
  t.equal(open, "open");
  t.equal(kmsg, "1:b");
  t.ok(Number(count) > 20, `${count} devices`);
  t.same(terminals, ["ptmx"], "terminals are the container's own");
  await runtime.removeSandbox(id);
});

t.test("terminals are the container's own: /dev/pts/0 first, /dev/console is the container's", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const script =
    "tty; ls -l /dev/console | cut -c1; echo to console >/dev/console; stat -c %u:%g:%a $(tty); exec sleep 1000";
  const main = await startOne(runtime, id, made.container("main", script, { tty: true }));
  const session = await runtime.exec(main, request(["tty"], { tty: true }));
  t.equal((await collect(session)).stdout, "/dev/pts/1\r\n");
  const plain = await startOne(runtime, id, made.container("plain", "exec sleep 1000"));
  const first = await runtime.exec(plain, request(["tty"], { tty: true }));
  t.equal((await collect(first)).stdout, "/dev/pts/0\r\n");
  const log = readFileSync(runtime.containerStatus(main).logPath, "utf8");
  t.match(log, /\/dev\/pts\/0\r?\n.*c\r?\n.*to console\r?\n.*0:5:620/);
  await runtime.removeSandbox(id);
});
