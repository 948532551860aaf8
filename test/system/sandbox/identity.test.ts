import { chmodSync, copyFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { capabilityBits, DEFAULT_CAPABILITIES } from "../../../src/linux/capabilities.ts";
import type { ContainerConfig, ContainerSecurity, RuntimeImage } from "../../../src/sandbox/types.ts";
import { execText, runToEnd, security, startOne, startRuntime } from "./runtime.ts";

const made = await startRuntime("ide");
t.teardown(() => made.close());
const { runtime } = made;
const { id: pod } = await runtime.runSandbox(made.sandbox({ hostname: "web" }));

let number = 0;
/** Each in a container with a name of its own, so with a log of its own. */
const run = (script: string, own: Partial<ContainerSecurity> = {}, change: Partial<ContainerConfig> = {}) =>
  runToEnd(runtime, pod, made.container(`c${number++}`, script, { security: { ...security, ...own }, ...change }));
const imageConfig = (change: Partial<RuntimeImage["config"]>): RuntimeImage => ({
  ...made.image,
  config: { ...made.image.config, ...change },
});

const mask = (names: Iterable<string>): string => capabilityBits(names).toString(16).padStart(16, "0");
const DEFAULT = mask(DEFAULT_CAPABILITIES);
const NONE = "0".repeat(16);
const STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status";
const statusOf = (log: string): Record<string, string> =>
  Object.fromEntries(log.split("\n").map((line) => line.split(/:\s+/) as [string, string]));

t.test(
  "root has exactly the default capabilities, a user has them only to regain, no process gains through ambient ones",
  async (t) => {
    const root = statusOf((await run(STATUS)).log);
    t.match(root, { CapInh: NONE, CapPrm: DEFAULT, CapEff: DEFAULT, CapBnd: DEFAULT, CapAmb: NONE });
    const user = statusOf((await run(STATUS, { runAsUser: 1000 })).log);
    t.match(user, { CapInh: NONE, CapPrm: NONE, CapEff: NONE, CapBnd: DEFAULT, CapAmb: NONE });
  },
);

t.test("capabilities are added and dropped by name, ALL means all, drop wins over add", async (t) => {
  const bounding = async (own: Partial<ContainerSecurity>): Promise<string | undefined> => {
    const { CapEff, CapBnd } = statusOf((await run(STATUS, own)).log);
    t.equal(CapEff, CapBnd);
    return CapBnd;
  };
  const without = (name: string): string => mask(DEFAULT_CAPABILITIES.filter((one) => one !== `CAP_${name}`));
  t.equal(await bounding({ addCapabilities: ["NET_ADMIN"] }), mask([...DEFAULT_CAPABILITIES, "NET_ADMIN"]));
  t.equal(await bounding({ dropCapabilities: ["CHOWN"] }), without("CHOWN"));
  t.equal(await bounding({ dropCapabilities: ["ALL"] }), NONE);
  t.equal(
    await bounding({ dropCapabilities: ["ALL"], addCapabilities: ["NET_BIND_SERVICE"] }),
    mask(["NET_BIND_SERVICE"]),
  );
  t.equal(await bounding({ addCapabilities: ["ALL"] }), mask(made.facts.capabilities));
  t.equal(
    await bounding({ addCapabilities: ["ALL"], dropCapabilities: ["SYS_ADMIN"] }),
    mask([...made.facts.capabilities].filter((name) => name !== "CAP_SYS_ADMIN")),
  );
});

t.test("what a capability allows works with it, and fails without it", async (t) => {
  const script =
    "exec 2>&1; touch /x; chown 5 /x && echo chowned; ip link add d0 type dummy && echo added; ip link del d0; true";
  t.match((await run(script)).log, /^chowned\n.*ot permitted/);
  t.match((await run(script, { dropCapabilities: ["CHOWN"] })).log, /Operation not permitted/);
  const admin = await run("ip link set lo mtu 1400 && echo set", { addCapabilities: ["NET_ADMIN"] });
  t.equal(admin.log, "set");
});

t.test("a privileged container has all that the daemon has, no seccomp filter, and a writable /sys", async (t) => {
  const { log } = await run(`${STATUS}; grep ' /sys ' /proc/mounts | cut -d' ' -f4 | cut -c1-2`, { privileged: true });
  const all = mask(made.facts.capabilities);
  t.match(statusOf(log), { CapPrm: all, CapEff: all, CapBnd: all, NoNewPrivs: "0", Seccomp: "0" });
  t.match(log, /\nrw$/);
});

t.test("allowPrivilegeEscalation: false sets no_new_privs, and a setuid program then gives nothing", async (t) => {
  const layer = made.layer("setuid", { "bin/suid": "" });
  const program = join(made.image.layersFolder, layer, "bin/suid");
  copyFileSync(join(made.image.layersFolder, made.image.layers[0] ?? "", "bin/busybox"), program);
  chmodSync(program, 0o4755);
  t.equal(statSync(program).mode & 0o7777, 0o4755);
  const image = made.imageWith(layer);
  // busybox drops set-user-ID for applets that don't need it, but for su, which first asks who it is.
  const script = `exec /bin/suid su -c id root </dev/null`;
  const free = await run("grep NoNewPrivs /proc/self/status", {}, { image });
  t.match(free.log, /0$/);
  const user = { runAsUser: 1000, allowPrivilegeEscalation: false };
  t.match((await run("grep NoNewPrivs /proc/self/status", user, { image })).log, /1$/);
  t.notMatch((await run(script, user, { image })).log, /uid=0/);
});

t.test("users and groups come from the manifest, else from the image by name or number", async (t) => {
  const id = async (own: Partial<ContainerSecurity>, image = made.image): Promise<string> =>
    (await run("id -u; id -g; grep Groups /proc/self/status | cut -f2; echo $HOME", own, { image })).log.replaceAll(
      "\n",
      " ",
    );
  t.equal(await id({}), "0 0 0  /root");
  t.equal(await id({ runAsUser: 1000 }), "1000 1000 1000  /home/app");
  t.equal(await id({ runAsUser: 1000, runAsGroup: 5, supplementalGroups: [33, 4000] }), "1000 5 5 33 4000  /home/app");
  t.equal(await id({ runAsUser: 4321 }), "4321 0 0  /");
  t.equal(await id({}, imageConfig({ user: "app" })), "1000 1000 1000  /home/app");
  t.equal(await id({}, imageConfig({ user: "app:tty" })), "1000 5 5  /home/app");
  t.equal(await id({}, imageConfig({ user: "33:1000" })), "33 1000 1000  /var/www");
  t.equal(await id({ runAsUser: 0 }, imageConfig({ user: "app" })), "0 0 0  /root");
  const member = { ...imageConfig({ user: "app" }), group: "app:x:1000:\nextra:x:50:app,other\n" };
  t.match(await id({}, member), /^1000 1000 (50 1000|1000 50) /);
  const strict = await id({ strictGroups: true, supplementalGroups: [4000] }, member);
  t.match(strict, /^1000 1000 (4000 1000|1000 4000) /, "Strict: none of the image's groups");
  const posing = { ...made.image, passwd: "1000:x:0:0:::\napp:x:1000:7::/app:\n" };
  t.equal(await id({ runAsUser: 1000 }, posing), "1000 7 7  /app", "a uid is not looked up as a name");
  await t.rejects(run("true", {}, { image: imageConfig({ user: "nobody-such" }) }), {
    code: "InvalidImage",
    message: /nobody-such/,
  });
});

t.test("runAsNonRoot refuses an image that runs as root, by name or number, before anything is started", async (t) => {
  const own = { runAsNonRoot: true };
  const wanted = { code: "InvalidObject", message: /runAsNonRoot/ };
  await t.rejects(run("true", own), wanted);
  await t.rejects(run("true", { ...own, runAsUser: 0 }), wanted);
  await t.rejects(run("true", own, { image: imageConfig({ user: "root" }) }), wanted);
  t.equal((await run("true", own, { image: imageConfig({ user: "app" }) })).code, 0);
});

t.test("command and args replace the image's Entrypoint and Cmd as Kubernetes says", async (t) => {
  const image = imageConfig({ entrypoint: ["echo", "entry"], cmd: ["cmd"] });
  const said = async (change: Partial<ContainerConfig>): Promise<string> => {
    const { command: _, ...config } = made.container(`c${number++}`, "");
    return (await runToEnd(runtime, pod, { ...config, image, ...change })).log;
  };
  t.equal(await said({}), "entry cmd");
  t.equal(await said({ args: ["arg"] }), "entry arg");
  t.equal(await said({ command: ["echo", "own"] }), "own");
  t.equal(await said({ command: ["echo", "own"], args: ["arg"] }), "own arg");
  t.equal(await said({ image: imageConfig({ entrypoint: [], cmd: ["echo", "cmd", "only"] }) }), "cmd only");
  await t.rejects(said({ image: imageConfig({ entrypoint: [], cmd: [] }) }), {
    code: "InvalidObject",
    message: /no command/,
  });
});

t.test("a command is looked up in the container's own PATH, in its order", async (t) => {
  const layer = made.layer("paths", {
    "one/hello": "#!/bin/sh\necho one $0\n",
    "two/hello": "#!/bin/sh\necho two $0\n",
    "two/noexec": "x",
  });
  for (const name of ["one/hello", "two/hello"]) chmodSync(join(made.image.layersFolder, layer, name), 0o755);
  const image = made.imageWith(layer);
  const call = async (PATH: string, ...command: string[]) =>
    (await run("", {}, { image, command, env: [["PATH", PATH]], workingDir: "/two" })).log;
  t.equal(await call("/one:/two", "hello"), "one /one/hello");
  t.equal(await call("/none:/two:/one", "hello"), "two /two/hello");
  t.equal(await call("/bin:", "hello"), "two ./hello", "an empty entry is the working directory");
  t.equal(await call("/one", "../one/hello"), "one ../one/hello", "with a slash it is no search");
  await t.rejects(call("/one", "noexec"), { code: "CommandNotFound", message: /"noexec"/ });
  await t.rejects(call("/one:/two", "noexec"), { code: "CommandNotExecutable" });
  await t.rejects(call("/one", "/two"), { code: "CommandNotExecutable" });
  await t.rejects(call("/one", ""), { code: "CommandNotFound" });
});

t.test("workingDir is made when the image lacks it; a file in its place fails the start by name", async (t) => {
  const image = imageConfig({ workingDir: "/from/image" });
  t.equal((await run("pwd", {}, { image })).log, "/from/image");
  t.equal((await run("pwd; stat -c %u:%a .", {}, { image, workingDir: "/own/dir" })).log, "/own/dir\n0:755");
  t.equal((await run("pwd")).log, "/");
  await t.rejects(run("pwd", {}, { workingDir: "/bin/busybox" }), { message: /\/bin\/busybox.*ENOTDIR/ });
});

t.test(
  "variables: the image's first, the manifest's override them in their place, PATH, HOME and HOSTNAME stand in",
  async (t) => {
    const image = imageConfig({ env: ["PATH=/usr/bin:/bin", "A=image", "B=image=with=equals"] });
    const env = [
      ["C", "own"],
      ["A", "changed"],
      ["EMPTY", ""],
      ["LINES", "one two"],
    ] as const;
    const { log } = await run("", {}, { image, env, command: ["env"] });
    t.same(log.split("\n"), [
      "PATH=/usr/bin:/bin",
      "HOSTNAME=web",
      "HOME=/root",
      "A=changed",
      "B=image=with=equals",
      "C=own",
      "EMPTY=",
      "LINES=one two",
    ]);
    t.match((await run("", {}, { command: ["env"] })).log, /^PATH=\/usr\/local\/sbin:/m);
  },
);

t.test("exec has the user, groups, capabilities and folder of the container, and no more", async (t) => {
  const own = {
    ...security,
    runAsUser: 1000,
    supplementalGroups: [33],
    dropCapabilities: ["KILL"],
    allowPrivilegeEscalation: false,
  };
  const config = made.container(`c${number++}`, "exec sleep 1000", {
    security: own,
    workingDir: "/tmp",
    env: [["X", "y"]],
  });
  const main = await startOne(runtime, pod, config);
  const script = `id -u; id -g; grep Groups /proc/self/status | cut -f2; pwd; echo $X $HOME; umask; ${STATUS}`;
  const { stdout } = await execText(runtime, main, ["sh", "-c", script]);
  const lines = stdout.split("\n");
  t.same(lines.slice(0, 6), ["1000", "1000", "33 1000 ", "/tmp", "y /home/app", "0022"]);
  const bounding = mask(DEFAULT_CAPABILITIES.filter((name) => name !== "CAP_KILL"));
  t.match(statusOf(stdout), { CapPrm: NONE, CapEff: NONE, CapBnd: bounding, NoNewPrivs: "1", Seccomp: "2" });
  await runtime.removeContainer(main);
});

t.test(
  "host name, and a termination message that any user may write, of whose text the last 4096 bytes are kept",
  async (t) => {
    t.equal((await run("hostname; cat /etc/hostname")).log, "web\nweb");
    const terminationMessage = { path: "/dev/termination-log" };
    const script = "echo last words >/dev/termination-log; exit 3";
    const said = await run(script, { runAsUser: 1000 }, { terminationMessage });
    t.match(said.status, { exitCode: 3, reason: "Error", message: "last words\n" });
    const write = "(head -c 10000 /dev/zero | tr '\\0' x; echo the end) >/dev/termination-log";
    const long = await run(write, {}, { terminationMessage });
    t.equal(long.status.message, `${"x".repeat(4096 - 8)}the end\n`);
    writeFileSync(join(made.folder, "unused"), "");
  },
);

t.teardown(() => runtime.removeSandbox(pod));
