import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import t, { type Test } from "tap";
import { applyForwarding } from "../../../src/daemon/forwarding.ts";
import { RouteSocket } from "../../../src/linux/netlink/index.ts";
import type { SandboxConfig, SandboxStatus } from "../../../src/sandbox/types.ts";
import { takeLinks } from "../support/leaks.ts";
import { until } from "../support/podrun.ts";
import { execText, runToEnd, security, startRuntime } from "./runtime.ts";
import { inNetworkOf, ip, startOutside } from "./support/outside.ts";

applyForwarding();
const outside = await startOutside();
const made = await startRuntime("net");
t.teardown(async () => {
  outside.close();
  await made.close();
});

/** The CGI of this server says who asks. */
const SERVE = `mkdir -p /www/cgi-bin
cat >/www/cgi-bin/who <<'END'
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' "$REMOTE_ADDR"
END
chmod +x /www/cgi-bin/who
exec httpd -f -h /www -p`;

const url = (address: string, port = 8080): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}/cgi-bin/who`;

/** An address as busybox and Node write it, without the clothes. */
const plain = (address: string): string => address.trim().replace(/^\[?(?:::ffff:)?([^\]]*)\]?$/, "$1");

/** A sandbox for the time of a test. */
async function sandbox(t: Test, change?: Partial<SandboxConfig>): Promise<SandboxStatus> {
  const status = await made.runtime.runSandbox(made.sandbox(change));
  t.teardown(() => made.runtime.removeSandbox(status.id));
  return status;
}

/** A pod with one container of this script. */
async function pod(t: Test, script = "exec sleep 100000"): Promise<SandboxStatus & { readonly main: string }> {
  const status = await sandbox(t);
  const main = await made.runtime.createContainer(status.id, made.container("main", script));
  await made.runtime.startContainer(main);
  return { ...status, main };
}

/** What a container gets from an address, which may still be starting. */
async function ask(container: string, address: string, port?: number): Promise<string> {
  const command = `until wget -q -O - '${url(address, port)}'; do usleep 20000; done`;
  return plain((await execText(made.runtime, container, ["sh", "-c", command])).stdout);
}

async function linkOf({ addresses }: SandboxStatus): Promise<string> {
  return /dev (\S+)/.exec(ip("route", "show", addresses[0] as string))?.[1] as string;
}

t.test(
  "pods reach each other and the host reaches them by IPv4 and IPv6, each seen with its own address",
  async (t) => {
    const server = await pod(t, `${SERVE} 8080`);
    const client = await pod(t);
    for (const [i, address] of server.addresses.entries()) {
      t.equal(await ask(client.main, address), client.addresses[i]);
      t.match(await (await fetch(url(address))).text(), /[0-9a-f]/);
    }
  },
);

t.test("a pod's IPv6 address can be bound by the first process of its first container", async (t) => {
  const { id, addresses } = await sandbox(t);
  const script = `exec httpd -f -h / -p "[${addresses[1]}]:8080"`;
  const main = await made.runtime.createContainer(id, made.container("main", script));
  await made.runtime.startContainer(main);
  await until(async () => (await fetch(url(addresses[1] as string)).catch(() => undefined)) !== undefined);
  t.equal(made.runtime.containerStatus(main).state, "running");
});

t.test("pods reach what listens on the host's addresses, and are seen with their own", async (t) => {
  const server = createServer((request, response) => response.end(`${request.socket.remoteAddress}\n`));
  await once(server.listen(0, "::"), "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const client = await pod(t);
  for (const [i, address] of outside.host.entries())
    t.equal(await ask(client.main, address, port), client.addresses[i]);
});

t.test("what leaves the machine carries the host's address, over IPv4 and IPv6", async (t) => {
  const client = await pod(t);
  for (const [i, address] of outside.far.entries()) t.equal(await ask(client.main, address), outside.host[i]);
});

t.test("localhost is one for the containers of a pod, and another one in every pod", async (t) => {
  const first = await pod(t, `${SERVE} 127.0.0.1:8080`);
  const beside = made.container(
    "beside",
    "until wget -q -O - http://127.0.0.1:8080/cgi-bin/who; do usleep 20000; done",
  );
  t.match(await runToEnd(made.runtime, first.id, beside), { code: 0, log: /^127\.0\.0\.1$/m });
  const second = await pod(t);
  const refused = await execText(made.runtime, second.main, ["wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]);
  t.match(refused.stderr, /refused/);
});

/** Sends a datagram from a pod's network, from one of its addresses or from one that it takes for itself. */
function send(from: SandboxStatus, source: string, to: string, port: number, text: string): void {
  const family = to.includes(":") ? "udp6" : "udp4";
  const script = `const s = require("dgram").createSocket("${family}");
    s.bind(0, "${source}", () => s.send("${text}", ${port}, "${to}", () => s.close()));`;
  inNetworkOf(from.pausePid, process.execPath, "-e", script);
}

/** The first datagram that comes. They come in the order in which they were sent, so what was sent before it is lost. */
async function firstDatagram(act: (port: number) => void): Promise<string> {
  const socket = createSocket("udp6");
  socket.bind(0, "::");
  await once(socket, "listening");
  const message = once(socket, "message") as Promise<[Buffer]>;
  act(socket.address().port);
  const [text] = await message;
  socket.close();
  return String(text);
}

t.test("a pod can send from its own addresses only", async (t) => {
  const [honest, liar] = [await pod(t), await pod(t)];
  for (const [i, host] of outside.host.entries()) {
    const own = liar.addresses[i] as string;
    for (const forged of [honest.addresses[i] as string, i === 0 ? "203.0.113.7" : "2001:db8:ffff::7"]) {
      const nodad = i === 0 ? [] : ["nodad"];
      inNetworkOf(liar.pausePid, "ip", "addr", "add", `${forged}/${i === 0 ? 32 : 128}`, "dev", "eth0", ...nodad);
      const came = await firstDatagram((port) => {
        send(liar, forged, host, port, "forged");
        send(liar, own, host, port, "honest");
      });
      t.equal(came, "honest", forged);
    }
  }
});

t.test("no pod reaches what listens on the host's 127.0.0.1, also where route_localnet is on", async (t) => {
  const liar = await pod(t);
  const inside = (...words: readonly string[]): string => inNetworkOf(liar.pausePid, "ip", ...words);
  writeFileSync(`/proc/sys/net/ipv4/conf/${await linkOf(liar)}/route_localnet`, "1");
  inNetworkOf(liar.pausePid, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet");
  for (const address of ["127.0.0.0/8", "127.0.0.1"]) inside("route", "delete", "local", address, "table", "local");
  const [own] = liar.addresses as [string];
  inside("route", "add", "127.0.0.0/8", "via", "169.254.1.1", "dev", "eth0", "onlink", "src", own);
  const came = await firstDatagram((port) => {
    send(liar, own, "127.0.0.1", port, "intruder");
    send(liar, own, outside.host[0], port, "guest");
  });
  t.equal(came, "guest");
});

t.test("eth0 has the MTU of the uplink", async (t) => {
  const socket = new RouteSocket();
  const routes = await socket.defaultRoutes();
  socket.close();
  const mtu = Math.min(...routes.map(({ link }) => link.mtu), routes.length === 0 ? 1500 : Number.POSITIVE_INFINITY);
  const { main } = await pod(t);
  const { stdout } = await execText(made.runtime, main, ["cat", "/sys/class/net/eth0/mtu"]);
  t.equal(Number(stdout), mtu);
});

t.test("hosts, resolv.conf and hostname are the pod's, and can be written by no other pod", async (t) => {
  const change = {
    hostname: "pluto",
    hosts: (addresses: readonly string[]) => addresses.map((address) => `${address}\tpluto\n`).join(""),
    resolvConf: "search example.com\nnameserver 192.0.2.53\n",
  };
  const { id, addresses } = await sandbox(t, change);
  const script = "hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf; echo 192.0.2.9 more >>/etc/hosts";
  const { log } = await runToEnd(made.runtime, id, made.container("main", script));
  const [four, six] = addresses;
  t.equal(log, `pluto\npluto\n${four}\tpluto\n${six}\tpluto\nsearch example.com\nnameserver 192.0.2.53`);
  const again = await runToEnd(made.runtime, id, made.container("other", "cat /etc/hosts"));
  t.match(again.log, /192\.0\.2\.9 more$/, "the containers of a pod share them");
  const other = await sandbox(t, change);
  const theirs = await runToEnd(made.runtime, other.id, made.container("main", "cat /etc/hosts"));
  t.notMatch(theirs.log, /more/);
});

t.test("between pod and host nobody asks who has an address", async (t) => {
  const server = await pod(t, `${SERVE} 8080`);
  const table = `netdev podrun_test_${process.pid}`;
  const link = await linkOf(server);
  const rules = (
    hook: string,
  ): string => `add chain ${table} ${hook} { type filter hook ${hook} device ${link} priority 0; }
    add rule ${table} ${hook} ether type arp counter
    add rule ${table} ${hook} ip6 saddr != :: icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter`;
  t.teardown(() => made.nft.run(`delete table ${table}`));
  made.nft.run(`add table ${table}\n${rules("ingress")}\n${rules("egress")}`);
  const client = await pod(t);
  for (const address of server.addresses) {
    await ask(client.main, address);
    await (await fetch(url(address))).text();
  }
  for (const address of outside.far) await ask(server.main, address);
  const counters = made.nft.list(`list table ${table}`).match(/packets \d+/g);
  t.strictSame(counters, ["packets 0", "packets 0", "packets 0", "packets 0"]);
});

t.test("a pod's link goes with its namespace when the pod is stopped", async (t) => {
  const { id } = await pod(t);
  await until(async () => (await takeLinks(made)).length === 1);
  await made.runtime.stopSandbox(id);
  await until(async () => (await takeLinks(made)).length === 0);
  t.equal(made.runtime.sandboxStatus(id).state, "notready");
});

t.test("other interfaces stay as they are, also one that is named like ours", async (t) => {
  const name = `${made.config.linkPrefix}zz`;
  ip("link", "add", name, "type", "veth", "peer", "name", `${made.config.linkPrefix}yy`);
  t.teardown(() => ip("link", "delete", name));
  const look = (): string[] => [name, outside.link].map((link) => ip("-o", "addr", "show", "dev", link));
  const before = look();
  const { id } = await pod(t);
  t.strictSame(look(), before);
  await made.runtime.removeSandbox(id);
  await until(async () => (await takeLinks(made)).length === 2);
  t.strictSame(look(), before);
});

t.test("a user without capabilities may ping and listen on port 80, as under containerd and podman", async (t) => {
  const { id, addresses, pausePid } = await sandbox(t);
  const user = { ...security, runAsUser: 1000, dropCapabilities: ["ALL"], allowPrivilegeEscalation: false };
  const web = made.container("web", "mkdir -p /tmp/www; exec httpd -f -p 80 -h /tmp", { security: user });
  const server = await made.runtime.createContainer(id, web);
  await made.runtime.startContainer(server);
  await until(async () => (await fetch(url(addresses[0] as string, 80)).catch(() => undefined)) !== undefined);
  t.equal(made.runtime.containerStatus(server).state, "running");
  // busybox' ping wants a raw socket, iputils' takes this one.
  const ping = `socket(S, 2, 2, 1) or die "$!"; print "may ping"`;
  const nobody = ["--reuid=1000", "--regid=1000", "--clear-groups", "perl", "-e", ping];
  t.equal(inNetworkOf(pausePid, "setpriv", ...nobody), "may ping");
});

t.test("what a pod says about these sysctls goes before the default", async (t) => {
  const sysctls = { "net.ipv4.ip_unprivileged_port_start": "1000", "net/ipv4/ping_group_range": "5\t6" };
  const { id } = await sandbox(t, { sysctls });
  const files = "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range";
  const { log } = await runToEnd(made.runtime, id, made.container("main", `cat ${files}`));
  t.equal(log, "1000\n5\t6");
});

t.test("64 pods are two routes and two permanent neighbours each on the host, and gone after them", async (t) => {
  const made64 = await Promise.all(Array.from({ length: 64 }, () => made.runtime.runSandbox(made.sandbox())));
  const prefix = `dev ${made.config.linkPrefix}`;
  const count = (text: string): number => text.split("\n").filter((line) => line.includes(prefix)).length;
  const routes = (): number => count(ip("route")) + count(ip("-6", "route").replaceAll(/^fe80.*$/gm, ""));
  const neighbours = (): string =>
    ip("neighbour")
      .split("\n")
      .filter((line) => line.includes(prefix))
      .join("\n");
  t.equal(routes(), 128);
  t.equal(neighbours().match(/PERMANENT/g)?.length, 128);
  t.equal(count(neighbours()), 128);
  t.equal(new Set(made64.flatMap(({ addresses }) => addresses)).size, 128, "no address is given twice");
  await Promise.all(made64.map(({ id }) => made.runtime.removeSandbox(id)));
  await until(async () => (await takeLinks(made)).length === 0);
  t.equal(routes(), 0);
  t.equal(neighbours(), "");
  t.match(readFileSync("/proc/net/dev", "utf8"), /lo:/);
});
