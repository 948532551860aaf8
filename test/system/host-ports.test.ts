// Ports of the host that lead into pods: from every side, for every protocol, and who may not come through them.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ask, base, inPod, PROGRAM, run, servePod, untilReady } from "./support/host-ports.ts";
import { addNeighbour } from "./support/neighbour.ts";
import { isReady, makeManifest, startInstance } from "./support/podrun.ts";

t.setTimeout(600_000);

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

t.test("the next daemon keeps the ports, also when somebody has flushed them while there was none", async (t) => {
  const podrun = startInstance(t);
  await servePod(t, podrun, "web", [{ containerPort: 80, hostPort: base }]);
  await podrun.killDaemon();
  t.match(await ask([], "tcp", "127.0.0.1", base), /^web /);
  execFileSync("nft", [`flush map inet ${podrun.config.table} hostport4`]);
  t.equal(await ask([], "tcp", "127.0.0.1", base), "ECONNREFUSED");
  t.equal(await podrun.findings(), "");
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
