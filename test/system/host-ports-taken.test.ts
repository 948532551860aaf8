// Ports of the host that somebody else has: other pods, programs of the host, nobody yet.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import t from "tap";
import { commandLine } from "../../src/linux/proc.ts";
import { ask, base, PROGRAM, run, servePod, untilReady } from "./support/host-ports.ts";
import { addNeighbour } from "./support/neighbour.ts";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";

t.setTimeout(600_000);

t.test("an address that the host lacks is told, and the pod starts when it is there", async (t) => {
  const podrun = startInstance(t);
  const { host4 } = addNeighbour(t, "m");
  const hostIP = host4.replace(/\.1$/, ".77");
  await podrun.apply(makeManifest("early", [{ name: "main", ports: [{ containerPort: 80, hostPort: base, hostIP }] }]));
  await untilEvent(
    podrun,
    "early",
    `host port ${hostIP}:${base}/TCP can't be had: this machine has no address ${hostIP}`,
  );
  execFileSync("ip", ["address", "add", `${hostIP}/32`, "dev", `nm${process.pid.toString(36)}`]);
  await podrun.untilPod("early", ({ status }) => status.phase === "Running");
});

const untilEvent = (podrun: Instance, pod: string, text: string): Promise<void> => {
  let last = "";
  const check = async (): Promise<boolean> => {
    last = await podrun.ok("describe", "pod", pod);
    return last.includes(text);
  };
  return until(check, 30_000, () => `${text}\n${last}`);
};

t.test("a pod waits for a port that another pod has, and starts when that one is gone", async (t) => {
  const podrun = startInstance(t);
  await servePod(t, podrun, "first", [{ containerPort: 80, hostPort: base }]);
  const ports = [{ containerPort: 81, hostPort: base, hostIP: "127.0.0.1" }];
  await podrun.apply(makeManifest("second", [{ name: "main", ports }]));
  const waiting = await podrun.untilPod("second", ({ status }) => status.conditions?.length === 1);
  const [condition] = waiting.status.conditions ?? [];
  t.match(condition, { type: "PodScheduled", status: "False", reason: "Unschedulable" });
  const why = `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports (127.0.0.1:${base}/TCP is the port of pod default/first). preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.`;
  t.equal(condition?.message, why);
  t.match(await podrun.ok("get", "pods"), /second +0\/1 +Pending/);
  await untilEvent(podrun, "second", why);
  await podrun.killDaemon();
  t.match(await podrun.ok("get", "pods"), /second +0\/1 +Pending/, "also for the next daemon");
  await podrun.ok("delete", "pod", "first");
  await podrun.untilPod("second", ({ status }) => status.phase === "Running");
  t.match(await podrun.ok("get", "events"), "Successfully assigned default/second");
});

t.test("a pod that is over gives its port back", async (t) => {
  const podrun = startInstance(t);
  const ports = [{ containerPort: 80, hostPort: base }];
  const once = { restartPolicy: "Never" };
  await podrun.start(
    makeManifest(
      "first",
      [{ name: "main", ports, command: ["sh", "-c", "while [ ! -e /stop ]; do sleep 0.1; done"] }],
      once,
    ),
  );
  await podrun.apply(makeManifest("second", [{ name: "main", ports }]));
  await podrun.untilPod("second", ({ status }) => status.phase === "Pending");
  await podrun.ok("exec", "first", "--", "touch", "/stop");
  await podrun.untilPod("second", ({ status }) => status.phase === "Running");
  t.equal((await podrun.pod("first")).status.phase, "Succeeded");
});

t.test("a pod that never restarts and ended with its sandbox, while no daemon ran, gives its port back", async (t) => {
  const podrun = startInstance(t);
  const ports = [{ containerPort: 80, hostPort: base }];
  const name = `lost-${process.pid}`;
  await podrun.start(makeManifest(name, [{ name: "main", ports }], { restartPolicy: "Never" }));
  await podrun.killDaemon();
  const title = `podrun-monitor default/${name}`;
  const monitors = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(Number(pid))?.[0] === title);
  t.equal(monitors.length, 1);
  for (const pid of monitors) process.kill(Number(pid), "SIGKILL");
  await podrun.untilPod(name, ({ status }) => status.phase === "Failed");
  await podrun.start(makeManifest("second", [{ name: "main", ports }]));
});

t.test(
  "a port that a program of the host has is refused with the program's name, and never led away from it",
  async (t) => {
    const podrun = startInstance(t);
    const program = run(t, ["python3", PROGRAM, "hold", "tcp", "0.0.0.0", String(base)]);
    await untilReady(program);
    await podrun.apply(makeManifest("web", [{ name: "main", ports: [{ containerPort: 80, hostPort: base }] }]));
    await untilEvent(
      podrun,
      "web",
      `host port ${base}/TCP can't be had: the process ${program.child.pid} of the host has it: `,
    );
    t.equal(await ask([], "tcp", "127.0.0.1", base), "a program of the host");
    const { status } = await podrun.pod("web");
    t.equal(status.phase, "Pending");
    t.match(
      status.containerStatuses?.[0]?.state,
      { waiting: { reason: "ContainerCreating" } },
      "it is the pod's failure",
    );
    program.child.kill("SIGKILL");
    await podrun.untilPod("web", ({ status }) => status.phase === "Running");
  },
);

t.test("while a pod has a port no program of the host gets it, also without a daemon", async (t) => {
  const podrun = startInstance(t);
  const ports = ["TCP", "UDP"].map((protocol) => ({ containerPort: 80, hostPort: base, protocol }));
  await servePod(t, podrun, "web", ports);
  await podrun.killDaemon();
  for (const protocol of ["tcp", "udp"]) {
    const program = run(t, ["python3", PROGRAM, "hold", protocol, "127.0.0.1", String(base)]);
    await until(
      async () => program.text.includes("EADDRINUSE"),
      30_000,
      () => program.text,
    );
  }
  t.match(await ask([], "tcp", "127.0.0.1", base), /^web /);
  await podrun.ok("delete", "pod", "web");
  await untilReady(run(t, ["python3", PROGRAM, "hold", "tcp", "127.0.0.1", String(base)]));
});
