// Ports of the host that lead into pods: from every side, for every protocol, and who may not come through them.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import t from "tap";
import { addNeighbour } from "./support/neighbour.ts";
import { type Instance, isReady, makeManifest, startInstance, type Teardown, until } from "./support/podrun.ts";

t.setTimeout(300_000);

const PROGRAM = join(import.meta.dirname, "support/ports.py");

/** Of this file's own, below the ephemeral ports. */
const base = 20_000 + (process.pid % 600) * 10;

interface Program {
  readonly child: ChildProcess;
  text: string;
}

function run(t: Teardown, argv: readonly string[]): Program {
  const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
  const program: Program = { child, text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      program.text += text;
    });
  t.teardown(() => void child.kill("SIGKILL"));
  return program;
}

const untilReady = (program: Program): Promise<void> =>
  until(
    async () => program.text.includes("ready"),
    30_000,
    () => program.text,
  );

/** What enters the network of a pod. */
function inPod(uid: string): readonly string[] {
  const pid = readdirSync("/proc").find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cgroup`, "utf8").includes(uid) && command(name) === "sleep";
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error(`no process of pod ${uid}`);
  return ["nsenter", `--net=/proc/${pid}/ns/net`];
}

const command = (pid: string): string => readFileSync(`/proc/${pid}/comm`, "utf8").trim();

/** A pod with these ports, and for each protocol of them a server in its network that says the pod's name. */
async function servePod(t: Teardown, podrun: Instance, name: string, ports: readonly Port[]) {
  await podrun.start(makeManifest(name, [{ name: "main", ports }]));
  const pod = await podrun.pod(name);
  const enter = inPod(pod.metadata.uid);
  for (const { protocol = "TCP", containerPort } of ports)
    await untilReady(
      run(t, [...enter, "python3", PROGRAM, "serve", protocol.toLowerCase(), String(containerPort), name]),
    );
  return { pod, enter, ip4: pod.status.podIPs?.[0]?.ip ?? "", ip6: pod.status.podIPs?.[1]?.ip ?? "" };
}

interface Port {
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: string;
}

/** The answer of whatever is there, or the error's name. */
async function ask(enter: readonly string[], protocol: string, address: string, port: number, source?: number) {
  const argv = [...enter, "python3", PROGRAM, "ask", protocol, address, String(port)];
  const child = spawn(argv[0] ?? "", [...argv.slice(1), ...(source ? [String(source)] : [])]);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (more: string) => {
      text += more;
    });
  await new Promise((resolve) => child.once("close", resolve));
  return text.trim();
}

/** One address of the host that is no test's: every one must answer. */
const hostAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

for (const protocol of ["tcp", "udp"]) {
  t.test(`a ${protocol} port answers another machine, the host by every address, itself and other pods`, async (t) => {
    const podrun = startInstance(t);
    const neighbour = addNeighbour(t, "a");
    const hostPort = base + (protocol === "tcp" ? 0 : 1);
    const web = await servePod(t, podrun, "web", [{ containerPort: 80, hostPort, protocol: protocol.toUpperCase() }]);
    await podrun.start(makeManifest("other"));
    const other = inPod((await podrun.pod("other")).metadata.uid);
    const { host4, host6, own4, enter } = neighbour;

    t.equal(await ask(enter, protocol, host4, hostPort), `web ${own4}`, "the client's own address is seen");
    t.match(await ask(enter, protocol, host6, hostPort), /^web fd99:/);
    for (const address of ["127.0.0.1", "127.0.0.2", host4, host6, hostAddress() ?? host4])
      t.match(await ask([], protocol, address, hostPort), /^web /, `from the host to ${address}`);
    t.equal(
      await ask([], "tcp", "::1", hostPort),
      "ECONNREFUSED",
      "::1 is refused at once, so that 127.0.0.1 is tried",
    );
    for (const address of [host4, host6]) {
      t.match(await ask(web.enter, protocol, address, hostPort), /^web /, `from the pod itself to ${address}`);
      t.match(await ask(other, protocol, address, hostPort), /^web /, `from another pod to ${address}`);
    }
    t.match(await podrun.ok("describe", "pod", "web"), new RegExp(`Host Port: +${hostPort}/${protocol.toUpperCase()}`));
  });
}

t.test("an SCTP port is led to the pod and back, also where the kernel has no SCTP sockets", async (t) => {
  const podrun = startInstance(t);
  const neighbour = addNeighbour(t, "s");
  await servePod(t, podrun, "web", [{ containerPort: 80, hostPort: base, protocol: "SCTP" }]);
  t.equal(await ask(neighbour.enter, "sctp", neighbour.host4, base), `init ack from ${base}`);
});

t.test("hostIP is the one address that answers, and goes before a port of every address", async (t) => {
  const podrun = startInstance(t);
  const { host4, host6, enter } = addNeighbour(t, "h");
  await servePod(t, podrun, "local", [{ containerPort: 80, hostPort: base, hostIP: "127.0.0.1" }]);
  await servePod(t, podrun, "near", [{ containerPort: 80, hostPort: base, hostIP: host4 }]);
  await servePod(t, podrun, "six", [{ containerPort: 80, hostPort: base, hostIP: host6 }]);
  t.match(await ask([], "tcp", "127.0.0.1", base), /^local /);
  t.match(await ask(enter, "tcp", host4, base), /^near /);
  t.match(await ask(enter, "tcp", host6, base), /^six /);
  t.equal(await ask([], "tcp", "127.0.0.2", base), "ECONNREFUSED");
});

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
  const why = `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports (127.0.0.1:${base}/TCP is the port of pod default/first).`;
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
    t.equal((await podrun.pod("web")).status.phase, "Pending");
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

t.test(
  "a UDP client that was there before the pod reaches it, and reaches the next pod that has the port",
  async (t) => {
    const podrun = startInstance(t);
    const { enter, host4 } = addNeighbour(t, "u");
    t.equal(
      await ask(enter, "udp", host4, base, 5000),
      "ECONNREFUSED",
      "nobody is there, and the flow is remembered so",
    );
    for (const name of ["one", "two"]) {
      await servePod(t, podrun, name, [{ containerPort: 53, hostPort: base, protocol: "UDP" }]);
      t.match(await ask(enter, "udp", host4, base, 5000), new RegExp(`^${name} `));
      await podrun.ok("delete", "pod", name);
    }
  },
);

t.test("neither a neighbour nor a pod reaches what is for the host's loopback", async (t) => {
  const podrun = startInstance(t);
  const { ip, enter, host4 } = addNeighbour(t, "c");
  await servePod(t, podrun, "local", [{ containerPort: 80, hostPort: base, hostIP: "127.0.0.1" }]);
  const attacker = await servePod(t, podrun, "attacker", [{ containerPort: 80, hostPort: base + 1 }]);
  await untilReady(run(t, ["python3", PROGRAM, "hold", "tcp", "127.0.0.1", String(base + 2)]));
  // 127.0.0.1 is elsewhere, for them: the host.
  ip("route", "add", "127.0.0.1/32", "via", host4);
  sysctl(enter);
  for (const argv of [
    ["address", "delete", "127.0.0.1/8", "dev", "lo"],
    ["route", "add", "127.0.0.1/32", "via", "169.254.1.1", "dev", "eth0", "onlink"],
  ])
    execFileSync("nsenter", [...attacker.enter.slice(1), "ip", ...argv]);
  sysctl(attacker.enter);
  for (const port of [base, base + 2]) {
    t.equal(await ask(enter, "tcp", "127.0.0.1", port), "ETIMEDOUT", `a neighbour, port ${port}`);
    t.equal(await ask(attacker.enter, "tcp", "127.0.0.1", port), "ETIMEDOUT", `a pod, port ${port}`);
  }
  t.match(await ask([], "tcp", "127.0.0.1", base), /^local /);
});

const sysctl = (enter: readonly string[]): void =>
  void execFileSync(enter[0] ?? "", [
    ...enter.slice(1),
    "sh",
    "-c",
    "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet",
  ]);

t.test("the next daemon keeps the ports, and system check finds and mends what somebody flushed", async (t) => {
  const podrun = startInstance(t);
  await servePod(t, podrun, "web", [{ containerPort: 80, hostPort: base }]);
  await podrun.killDaemon();
  t.equal(await podrun.findings(), "");
  t.match(await ask([], "tcp", "127.0.0.1", base), /^web /);
  execFileSync("nft", [`flush map inet ${podrun.config.table} hostport4`]);
  t.match(await podrun.findings(), new RegExp(`map hostport4 lacks tcp \\. ${base} : [0-9.]+ \\. 80`));
  await podrun.podrun("system", "check", "--repair");
  t.match(await ask([], "tcp", "127.0.0.1", base), /^web /);
});

t.test("the example of host ports does what it says", async (t) => {
  const podrun = startInstance(t);
  const text = readFileSync(join(import.meta.dirname, "../../examples/host-ports.yaml"), "utf8");
  // The example's own numbers may be taken on this machine.
  await podrun.apply(text.replaceAll("8080", `${base}`).replaceAll("8443", `${base + 1}`));
  await podrun.untilPod("host-ports", isReady);
  for (const port of [base, base + 1])
    t.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello from the pod\n");
});
