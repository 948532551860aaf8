// logs: several containers and pods at once, rotation, restarts, what has not started.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";
import { PROGRAM } from "./support/program.ts";

t.setTimeout(300_000);

const script = (text: string) => ({ name: "main", command: ["sh", "-c", text] });

function follow(podrun: Instance, pod: string) {
  const argv = [...PROGRAM, "logs", "-f", pod];
  const child = spawn(process.execPath, argv, { env: podrun.env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (data: Buffer) => {
    text = (text + data.toString()).slice(-100);
  });
  return { child, text: () => text, ended: new Promise<number | null>((resolve) => child.on("close", resolve)) };
}

t.test("a followed log goes on over rotation, loses no line, and ends with its container", async (t) => {
  const podrun = startInstance(t);
  // With the time of each, 27 MB: three files.
  const text = `read go; awk 'BEGIN { for (i = 1; i <= 300000; i++) printf "%050d\\n", i }'; echo last`;
  const manifest = makeManifest("loud", [{ ...script(text), stdin: true, stdinOnce: true }], {
    restartPolicy: "Never",
  });
  await podrun.start(manifest);
  const { child, ended } = follow(podrun, "loud");
  let lines = 0;
  let tail = "";
  child.stdout.on("data", (data: Buffer) => {
    for (const byte of data) if (byte === 10) lines++;
    tail = (tail + data.toString()).slice(-100);
  });
  await podrun.run(["attach", "-i", "loud"], { input: "go\n" });
  t.equal(await ended, 0);
  t.equal(lines, 300_001);
  t.match(tail, /0{44}300000\nlast\n$/);
  const folder = join(podrun.config.logs, readdirSync(podrun.config.logs)[0] ?? "", "main");
  t.ok(readdirSync(folder).length > 1, "it was rotated");
});

t.test("a followed log ends with its container's run, and the next run has its own", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_RESTART_BACKOFF: "0.01" } });
  const text = `echo run; read go; exit 3`;
  await podrun.start(makeManifest("again", [{ ...script(text), stdin: true, stdinOnce: true }]));
  const { text: shown, ended } = follow(podrun, "again");
  await until(async () => shown() === "run\n");
  await podrun.run(["attach", "-i", "again"], { input: "go\n" });
  t.equal(await ended, 0);
  t.equal(shown(), "run\n");
  await podrun.untilPod("again", ({ status }) => status.containerStatuses?.[0]?.restartCount === 1);
  t.equal(await podrun.ok("logs", "-p", "again"), "run\n");
});

t.test("several containers of several pods are followed at once, each line whole and with its prefix", async (t) => {
  const podrun = startInstance(t);
  const text = "for i in $(seq 1000); do echo $HOSTNAME $i; done";
  const both = [
    { ...script(text), name: "one" },
    { ...script(text), name: "two" },
  ];
  const label = (name: string) => {
    const manifest = makeManifest(name, both, { restartPolicy: "Never" });
    return { ...manifest, metadata: { name, labels: { app: "x" } } };
  };
  await podrun.apply(label("a"), label("b"), makeManifest("c"));
  for (const name of ["a", "b"]) await podrun.untilPod(name, ({ status }) => status.phase === "Succeeded");
  const all = await podrun.ok("logs", "-l", "app=x", "--all-containers", "--prefix", "-f", "--tail=-1");
  const lines = all.split("\n").slice(0, -1);
  t.equal(lines.length, 4000);
  for (const pod of ["a", "b"])
    for (const name of ["one", "two"]) {
      const own = lines.filter((line) => line.startsWith(`[pod/${pod}/${name}] `));
      t.equal(own.length, 1000, `${pod}/${name}`);
      t.equal(own[999], `[pod/${pod}/${name}] ${pod} 1000`);
    }
  const selected = await podrun.ok("logs", "-l", "app=x", "-c", "two");
  t.equal(selected.split("\n").length, 21, "ten lines of each pod");
  t.match(await podrun.ok("logs", "a", "--all-containers", "--limit-bytes=4", "--tail=1"), /^a 10\na 10\n$/);
  t.match(await podrun.podrun("logs", "-l", "app=none"), { code: 0, stderr: /No resources found/ });
});

t.test("of a container that has not started there is no log, and --ignore-errors shows the others", async (t) => {
  const podrun = startInstance(t);
  const containers = [
    script("echo here; sleep 100000"),
    { name: "bad", image: "podrun.local/none", imagePullPolicy: "Never" },
  ];
  await podrun.apply(makeManifest("half", containers));
  await until(async () => (await podrun.podrun("logs", "half", "main")).stdout === "here\n");
  for (const more of [[], ["-f"]])
    t.match(await podrun.podrun("logs", "half", "bad", ...more), {
      code: 1,
      stderr: /Error from server \(BadRequest\): container "bad" in pod "half" is waiting to start: ErrImageNeverPull/,
    });
  t.match(await podrun.podrun("logs", "half", "--all-containers"), { code: 1, stdout: "here\n" });
  t.match(await podrun.podrun("logs", "half", "--all-containers", "--ignore-errors"), {
    code: 0,
    stdout: "here\n",
    stderr: /is waiting to start/,
  });
  t.match(await podrun.podrun("logs", "-p", "half", "main"), {
    code: 1,
    stderr: /previous terminated container "main"/,
  });
  t.match(await podrun.podrun("logs", "half", "-c", "none"), { code: 1, stderr: /has no container "none"/ });
});
