import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t, { type Test } from "tap";
import { insideBatch, type NetlinkBatch, outsideBatch, RouteSocket } from "../../../src/linux/netlink/index.ts";

const HOST = `podrun-test-h${process.pid}`;
const POD = `podrun-test-p${process.pid}`;
const HOST_MAC = "02:00:00:00:00:01";
const POD_MAC = "02:00:00:00:00:02";
const ip = (...rest: string[]): string => execFileSync("ip", rest, { encoding: "utf8" });
const within = (namespace: string, ...rest: string[]): string => ip("netns", "exec", namespace, ...rest);

/** Answers every TCP connection with the address that it came from, once it listens on port 80 of any address. */
const SERVE = `require("net").createServer((s) => s.end(s.remoteAddress)).listen(80, "::", () => console.log("ready"))`;
const ASK = `require("net").connect(80, process.argv[1]).pipe(process.stdout)`;

function namespaces(t: Test): void {
  for (const name of [HOST, POD]) {
    ip("netns", "add", name);
    t.teardown(() => ip("netns", "delete", name));
  }
}

function send(namespace: string, batch: NetlinkBatch): number[] {
  const json = JSON.stringify({ messages: batch.messages.toString("base64"), fixups: batch.fixups });
  const script = join(import.meta.dirname, "support/send-batch.ts");
  return JSON.parse(within(namespace, process.execPath, script, json, `/run/netns/${POD}`)) as number[];
}

const outside = outsideBatch({
  hostIndex: 70_001,
  hostName: "prtest",
  hostMac: HOST_MAC,
  podMac: POD_MAC,
  netnsSlot: 1,
  mtu: 1400,
  ip4: "10.99.0.2",
  ip6: "fd99::2",
});
const inside = insideBatch({ hostMac: HOST_MAC, ip4: "10.99.0.2", ip6: "fd99::2" });

t.test("the kernel takes both batches, and the host reaches the pod at once over IPv4 and IPv6", async (t) => {
  namespaces(t);
  t.strictSame(send(HOST, outside), [0, 0, 0, 0, 0]);
  t.strictSame(send(POD, inside), [0, 0, 0, 0, 0, 0, 0, 0]);
  within(HOST, "ip", "link", "set", "lo", "up");
  within(HOST, "ip", "addr", "add", "192.0.2.1/32", "dev", "lo");
  within(HOST, "ip", "addr", "add", "2001:db8::1/128", "dev", "lo", "nodad");
  t.match(within(POD, "ip", "-o", "link", "show", "eth0"), /1000: eth0@.* mtu 1400 .*state UP|1000: eth0@.* mtu 1400/);
  t.match(within(HOST, "ip", "route", "show"), /10\.99\.0\.2 dev prtest/);
  t.match(within(POD, "ip", "route", "show"), /default via 169\.254\.1\.1 dev eth0 onlink/);
  t.match(within(POD, "ip", "-6", "route", "show"), /default via fe80::1 dev eth0 .*onlink/);
  t.match(within(POD, "ip", "neighbour"), /169\.254\.1\.1 dev eth0 lladdr 02:00:00:00:00:01 PERMANENT/);
  t.notMatch(within(POD, "ip", "-6", "addr"), /fd99::2.*tentative/);
  const server = spawn("ip", ["netns", "exec", POD, process.execPath, "-e", SERVE]);
  t.teardown(() => server.kill());
  await once(server.stdout, "data");
  t.equal(within(HOST, process.execPath, "-e", ASK, "10.99.0.2"), "::ffff:192.0.2.1");
  t.equal(within(HOST, process.execPath, "-e", ASK, "fd99::2"), "2001:db8::1");
});

t.test("a second pair of the same name is refused, and the refusal is the first message's", async (t) => {
  namespaces(t);
  send(HOST, outside);
  const EEXIST = -17;
  t.equal(send(HOST, outside)[0], EEXIST);
});

t.test("links, addresses and the default route of this namespace are read", async (t) => {
  const socket = new RouteSocket();
  t.teardown(() => socket.close());
  const links = await socket.links();
  t.match(
    links.find(({ index }) => index === 1),
    { name: "lo", loopback: true, mtu: 65536 },
  );
  const addresses = await socket.addresses();
  t.match(
    addresses.find(({ ip }) => ip === "127.0.0.1"),
    { index: 1, prefix: 8, scope: 254 },
  );
  const expected = ip("-4", "route", "show", "default");
  const [route] = (await socket.defaultRoutes()).filter(({ family }) => family === "ipv4");
  if (expected === "") t.equal(route, undefined);
  else t.match(expected, `dev ${route?.link.name}`);
});

t.test("a link is deleted by its index, and deleting it again is fine", async (t) => {
  const name = `prt${process.pid}`;
  ip("link", "add", name, "type", "veth");
  const socket = new RouteSocket();
  t.teardown(() => socket.close());
  const link = (await socket.links()).find((link) => link.name === name);
  t.match(link, { kind: "veth", up: false });
  await socket.deleteLink(link?.index ?? -1);
  t.equal(
    (await socket.links()).find((link) => link.name === name),
    undefined,
  );
  await t.resolves(socket.deleteLink(link?.index ?? -1));
});

t.test("the question takes away what a killed daemon's has left", async (t) => {
  const socket = new RouteSocket();
  t.teardown(() => socket.close());
  ip("link", "add", "prprobe3", "type", "veth");
  t.equal(await socket.canMakeVeth("prprobe3"), true);
  t.notOk((await socket.links()).some(({ name }) => name === "prprobe3"));
});

t.test("two daemons that start at once both learn that the kernel has veth", async (t) => {
  const sockets = [new RouteSocket(), new RouteSocket(), new RouteSocket()];
  t.teardown(() => {
    for (const socket of sockets) socket.close();
  });
  t.same(await Promise.all(sockets.map((socket) => socket.canMakeVeth("prprobe2"))), [true, true, true]);
});

t.test("the kernel has veth, and the question leaves nothing behind", async (t) => {
  const socket = new RouteSocket();
  t.teardown(() => socket.close());
  t.equal(await socket.canMakeVeth("prprobe"), true);
  t.equal(
    (await socket.links()).find(({ name }) => name === "prprobe"),
    undefined,
  );
});
