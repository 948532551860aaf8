import { createHash, randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { StreamSession } from "../../../src/sandbox/types.ts";
import { collect, execText, request, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("exe");
t.teardown(() => made.close());
const { runtime } = made;

// An ELF header of a machine that nobody here is (EM_SPARCV9), and a script without a first line.
const foreign = Buffer.alloc(120);
foreign.set([0x7f, 0x45, 0x4c, 0x46, 2, 2, 1]);
foreign.writeUInt16BE(2, 16);
foreign.writeUInt16BE(43, 18);
foreign.writeUInt32BE(1, 20);
const layer = made.layer("commands", {
  "bin/foreign": "",
  "bin/plain": "x",
  "bin/bare": "echo bare",
  "bin/lost": "#!/no/interpreter\n",
});
const inLayer = (name: string): string => join(made.image.layersFolder, layer, "bin", name);
writeFileSync(inLayer("foreign"), foreign);
for (const name of ["foreign", "bare", "lost"]) chmodSync(inLayer(name), 0o755);
const image = made.imageWith(layer);

const { id: pod } = await runtime.runSandbox(made.sandbox());
const main = await startOne(
  runtime,
  pod,
  made.container("main", "exec sleep 100000", { image, env: [["OWN", "value"]] }),
);
const sh = (script: string) => execText(runtime, main, ["sh", "-c", script]);

t.test("exit codes and signals come back as a shell would show them, both streams apart and whole", async (t) => {
  t.same(await sh("echo out; echo err >&2; exit 42"), { code: 42, stdout: "out\n", stderr: "err\n" });
  t.equal((await sh("kill -TERM $$")).code, 128 + 15);
  t.equal((await sh("kill -KILL $$")).code, 128 + 9);
  t.equal((await sh("exit 255")).code, 255);
  t.same(await execText(runtime, main, ["true"]), { code: 0, stdout: "", stderr: "" });
  const much = await sh("yes out | head -c 3000000; yes err | head -c 2000000 >&2");
  t.same([much.stdout.length, much.stderr.length, much.code], [3_000_000, 2_000_000, 0]);
});

t.test("it runs in the container's namespaces, cgroup, root and environment", async (t) => {
  const script =
    "for ns in mnt net uts ipc pid cgroup; do readlink /proc/$1/ns/$ns; done; cat /proc/$1/cgroup; readlink /proc/$1/root";
  const own = await execText(runtime, main, ["sh", "-c", script, "sh", "1"]);
  const exec = await execText(runtime, main, ["sh", "-c", script, "sh", "self"]);
  t.equal(exec.stdout, own.stdout);
  t.equal(
    (await sh("echo $OWN $TERM; ls -l /proc/self/fd | grep -c -- '->'; cat /proc/self/stat | cut -d' ' -f6")).code,
    0,
  );
  t.match((await sh("echo $OWN; echo ${TERM-none}")).stdout, "value\nnone\n");
  // 0, 1, 2, and the folder that ls itself has open.
  t.equal(
    (await execText(runtime, main, ["ls", "/proc/self/fd"])).stdout,
    "0\n1\n2\n3\n",
    "no other descriptor comes along",
  );
  t.equal((await sh("readlink /proc/self/fd/0")).stdout, "/dev/null\n");
});

t.test("commands that can't be run fail by name and reason, and leave the container as it was", async (t) => {
  const failure = (command: string, code: string, message: RegExp) =>
    t.rejects(execText(runtime, main, [command]), { code, message }, command);
  await failure("nonesuch", "CommandNotFound", /container "main": command "nonesuch"/);
  await failure("/no/such/file", "CommandNotFound", /\/no\/such\/file/);
  await failure("/bin/lost", "CommandNotFound", /interpreter/);
  await failure("plain", "CommandNotExecutable", /"plain"/);
  await failure("/etc", "CommandNotExecutable", /"\/etc"/);
  await failure("foreign", "CommandNotExecutable", /"foreign".*ENOEXEC/);
  await failure("bare", "CommandNotExecutable", /"bare".*ENOEXEC/);
  t.same(await execText(runtime, main, ["true"]), { code: 0, stdout: "", stderr: "" });
  t.equal(runtime.containerStatus(main).state, "running");
});

/** Sends all of it, then ends the input. */
async function send(session: StreamSession, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 1 << 20) await session.write(bytes.subarray(at, at + (1 << 20)));
  session.endStdin();
}

t.test("100 MB go through cat and come back the same, and the end of input ends it", async (t) => {
  const session = await runtime.exec(main, request(["cat"], { stdin: true }));
  const bytes = randomBytes(100 << 20);
  const back = createHash("sha256");
  let length = 0;
  session.onStdout = (data) => {
    back.update(data);
    length += data.length;
  };
  const [code] = await Promise.all([session.exited, send(session, bytes)]);
  session.close();
  t.equal(code, 0);
  t.equal(length, bytes.length);
  t.equal(back.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
});

t.test("after the end of input the output still comes; without stdin it reads as ended", async (t) => {
  const session = await runtime.exec(main, request(["sh", "-c", "cat; echo after"], { stdin: true }));
  const said = collect(session);
  await session.write(Buffer.from("before\n"));
  session.endStdin();
  t.same(await said, { code: 0, stdout: "before\nafter\n", stderr: "" });
  t.equal((await sh("cat; echo none")).stdout, "none\n");
});

t.test("input for a process that doesn't read it does not hang its writer once it has ended", async (t) => {
  const session = await runtime.exec(main, request(["true"], { stdin: true }));
  const said = collect(session);
  await Promise.race([send(session, Buffer.alloc(5 << 20)).catch(() => undefined), said]);
  t.equal((await said).code, 0);
});

t.test("with a terminal: tty, size, one stream, end of input by its character, hang-up at close", async (t) => {
  const script = "tty; stty size; echo $TERM; echo err >&2; test -t 0 && test -t 2 && echo terminal";
  const session = await runtime.exec(
    main,
    request(["sh", "-c", script], { tty: true, stdin: true, rows: 33, columns: 111 }),
  );
  t.same(await collect(session), {
    code: 0,
    stdout: "/dev/pts/0\r\n33 111\r\nxterm\r\nerr\r\nterminal\r\n",
    stderr: "",
  });
  const cat = await runtime.exec(main, request(["cat"], { tty: true, stdin: true }));
  const said = collect(cat);
  await cat.write(Buffer.from("line\n"));
  cat.endStdin();
  t.same(await said, { code: 0, stdout: "line\r\nline\r\n", stderr: "" });
  const stay = await runtime.exec(
    main,
    request(["sh", "-c", "trap 'echo x >/tmp/hung; exit' HUP; echo up; while :; do sleep 0.01; done"], { tty: true }),
  );
  await untilOutput(stay, "up");
  stay.close();
  t.equal((await sh("until test -e /tmp/hung; do usleep 5000; done; rm /tmp/hung; echo hung")).stdout, "hung\n");
});

/** Waits until the session has said a text. */
function untilOutput(session: StreamSession, text: string): Promise<string> {
  let said = "";
  return new Promise((resolve) => {
    session.onStdout = (data) => {
      said += data;
      if (said.includes(text)) resolve(said);
    };
  });
}

t.test("window changes and Ctrl-C reach the terminal's foreground process", async (t) => {
  const script =
    "trap 'stty size' WINCH; trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.01; done";
  const session = await runtime.exec(
    main,
    request(["sh", "-c", script], { tty: true, stdin: true, rows: 24, columns: 80 }),
  );
  await untilOutput(session, "ready");
  session.resize(40, 120);
  await untilOutput(session, "40 120");
  const said = collect(session);
  await session.write(Buffer.from("\x03"));
  const { code, stdout } = await said;
  t.equal(code, 7);
  t.match(stdout, /interrupted/);
});

t.test("fifty at once each have their own streams and exit code", async (t) => {
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => sh(`echo ${i}; exit ${i}`)));
  t.same(
    all,
    all.map((_, i) => ({ code: i, stdout: `${i}\n`, stderr: "" })),
  );
  t.equal((await sh("ps | grep -v -e PID -e sleep -e ps -e grep | grep -vc 'sh -c'")).stdout, "0\n", "none is left");
});

t.test("whatever number of commands has run, the monitor holds as many descriptors as before", async (t) => {
  const { pausePid } = runtime.sandboxStatus(pod);
  const monitor = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1];
  const held = (): number => readdirSync(`/proc/${monitor}/fd`).length;
  const before = held();
  for (let i = 0; i < 10; i++) await Promise.all([sh("exit 1"), execText(runtime, main, ["tty"], { tty: true })]);
  // It hears of closed connections by and by.
  while (held() > before) await new Promise(setImmediate);
  t.same(readdirSync(join(made.config.run, "pods", pod, "exits")), [], "nor records of their ends");
});

t.test("a process that keeps the output open does not keep the exit code", async (t) => {
  const said = await sh("(sleep 1000 &) ; echo started; exit 9");
  t.same(said, { code: 9, stdout: "started\n", stderr: "" });
});

t.test(
  "a container that has exited is refused, one that exits meanwhile fails or gives a code, and never hangs",
  async (t) => {
    const gone = await startOne(runtime, pod, made.container("gone", "exec sleep 1000"));
    await runtime.stopContainer(gone, 0);
    await t.rejects(execText(runtime, gone, ["true"]), {
      code: "ContainerNotRunning",
      message: /"gone" is not running/,
    });
    for (let i = 0; i < 5; i++) {
      const id = await startOne(runtime, pod, made.container(`racing${i}`, "exec sleep 1000"));
      const exited = untilExited(runtime, id);
      process.kill(runtime.containerStatus(id).pid ?? 0, "SIGKILL");
      const outcome = await execText(runtime, id, ["sleep", "1000"]).then(
        ({ code }) => code,
        (error: Error) => error.message,
      );
      t.match(String(outcome), /^137$|racing|container/);
      await exited;
    }
  },
);

t.test(
  "exec in a container whose first process shares the pod's process namespace sees the pod's processes",
  async (t) => {
    const shared = await runtime.runSandbox(made.sandbox({ pid: "pod" }));
    const first = await startOne(runtime, shared.id, made.container("first", "exec sleep 4321"));
    const second = await startOne(runtime, shared.id, made.container("second", "exec sleep 1234"));
    const { stdout } = await execText(runtime, second, ["ps", "-o", "pid,args"]);
    t.match(stdout, /^ +1 pause/m);
    t.match(stdout, /sleep 4321/);
    t.match(stdout, /sleep 1234/);
    t.match((await execText(runtime, first, ["cat", "/proc/1/comm"])).stdout, "pause\n");
    await runtime.removeSandbox(shared.id);
  },
);

t.teardown(() => runtime.removeSandbox(pod));
