import { hostname } from "node:os";
import t from "tap";
import { makeManifest, startInstance } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";
import { Terminal } from "./support/terminal.ts";

const image = "--image=podrun.local/base";

t.test(
  "debug adds a container that sees its target's processes, the pod's network, and a root of its own",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(
      makeManifest("web", [
        { name: "app", command: ["sleep", "54321"] },
        { name: "other", command: ["sleep", "77777"] },
      ]),
    );
    const ps = await podrun.podrun("debug", "web", image, "--attach", "--target=app", "--", "ps");
    t.equal(ps.code, 0, ps.stderr);
    t.match(ps.stderr, /Targeting container "app"\.\nDefaulting debug container name to debugger-[a-z0-9]{5}\.\n/);
    t.match(ps.stdout, /1 root .*sleep 54321/);
    t.notMatch(ps.stdout, /77777/);
    const alone = await podrun.podrun("debug", "web", image, "--attach", "-c", "alone", "--", "ps");
    t.notMatch(alone.stdout, /sleep/);
    t.notMatch(alone.stderr, /Defaulting/);
    const address = (await podrun.pod("web")).status.podIP ?? "none";
    t.match(await podrun.ok("debug", "web", image, "--attach", "--", "ip", "address"), address);
    const script = ["-q", "--attach", "--", "sh", "-c"];
    const copy = await podrun.podrun("debug", "web", "--copy-to=copy", "-c=app", ...script, "hostname; exit 4");
    t.same(copy, { code: 4, stdout: "copy\n", stderr: "" });
    const node = await podrun.podrun("debug", `node/${hostname()}`, image, ...script, "ls -d /host/etc");
    t.same(node, { code: 0, stdout: "/host/etc\n", stderr: "" });
    const pod = await podrun.pod("web");
    t.equal(pod.status.ephemeralContainerStatuses?.length, 3);
    t.same(
      pod.status.containerStatuses?.map(({ restartCount }) => restartCount),
      [0, 0],
    );
    t.match(await podrun.ok("get", "pods"), /web +2\/2 +Running/);
    t.match(await podrun.ok("describe", "pod", "web"), /Ephemeral Containers:\n {2}debugger-/);
  },
);

t.test(
  "all that a quick process writes is shown, each stream on its own, and its exit code is the command's",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(makeManifest("web"));
    const script = ["--", "sh", "-c", "echo out; echo err >&2; exit 3"];
    for (let round = 0; round < 5; round++) {
      const debug = await podrun.podrun("debug", "web", image, "-q", "--attach", ...script);
      t.same(debug, { code: 3, stdout: "out\n", stderr: "err\n" });
    }
    const words = ["run", "quick", image, "-q", "--attach", "--rm", "--restart=Never", "--command"];
    t.same(await podrun.podrun(...words, ...script), { code: 3, stdout: "out\n", stderr: "err\n" });
  },
);

t.test("a shell in a debug container is entered, left, and gone with its exit code", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  const words = ["debug", "-it", "web", image, "--target=main", "-c", "shell", "--", "sh"];
  const terminal = new Terminal(process.execPath, [...PROGRAM, ...words], podrun.env);
  await terminal.until(/pressing enter/);
  terminal.type("cat /proc/1/cmdline | tr '\\0' ' '; exit 7\r");
  await terminal.until(/sleep 100000/);
  t.equal(await terminal.end(), 7);
  const { status } = await podrun.untilPod(
    "web",
    (pod) => pod.status.ephemeralContainerStatuses?.[0]?.state.terminated !== undefined,
  );
  t.match(status.ephemeralContainerStatuses, [
    { name: "shell", restartCount: 0, state: { terminated: { exitCode: 7 } } },
  ]);
});

t.test("a debug container outlives the daemon, ends with its target, and leaves nothing behind", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(
    makeManifest("web", [{ name: "app", command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"] }]),
  );
  await podrun.ok("debug", "web", image, "-c", "look", "--target=app", "--", "sh", "-c", "sleep 1000 & sleep 2000");
  await podrun.untilPod("web", ({ status }) => status.ephemeralContainerStatuses?.[0]?.state.running !== undefined);
  await podrun.killDaemon();
  t.match(await podrun.ok("exec", "web", "-c", "look", "--", "ps"), /sleep 2000/);
  await podrun.podrun("exec", "web", "-c", "app", "--", "kill", "1");
  const { status } = await podrun.untilPod(
    "web",
    (pod) => pod.status.ephemeralContainerStatuses?.[0]?.state.terminated !== undefined,
  );
  t.match(status.ephemeralContainerStatuses, [{ state: { terminated: { exitCode: 137 } } }]);
});

t.test("what can't be debugged is told", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  for (const [args, error] of [
    [["debug", "web"], /--image is required/],
    [["debug", "nope", image], /pods "nope" not found/],
    [["debug", "web", image, "--target=nope"], /the pod has no container "nope"; it has main/],
    [["debug", "web", image, "-c", "main"], /"main" is used twice/],
    [["debug", "-t", "web", image], /-i\/--stdin is required/],
  ] as const) {
    const { code, stderr } = await podrun.podrun(...args);
    t.not(code, 0);
    t.match(stderr, error);
  }
});
