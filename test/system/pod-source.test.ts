// A pod sends from its own address only, and never to the host's loopback: with packets, between two network namespaces,
// one in the part of the host. The sender sends the forbidden packet first and an allowed one after it, so the receiver
// waits for no time-out: the first that comes says which were let through.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import t from "tap";
import { baseRuleset, leaseSpace, podElements } from "../../src/net/index.ts";

const config = { table: "podrun", cidr4: "10.77.0.0/16", cidr6: "fd77::/64", linkPrefix: "pr" };
const pod = leaseSpace(config).at(2);
const [host, inside] = [`podrun-src-h-${process.pid}`, `podrun-src-p-${process.pid}`];

const ip = (...words: string[]) => execFileSync("ip", words);
const at = (namespace: string, command: string) =>
  execFileSync("ip", ["netns", "exec", namespace, "sh", "-ec", command], { stdio: ["ignore", "pipe", "inherit"] });
const nft = (commands: string) => execFileSync("ip", ["netns", "exec", host, "nft", commands]);

t.before(() => {
  for (const namespace of [host, inside]) {
    ip("netns", "add", namespace);
    at(namespace, "ip link set lo up");
  }
  ip("-n", host, "link", "add", pod.linkName, "type", "veth", "peer", "name", "eth0", "netns", inside);
  at(
    host,
    `ip link set ${pod.linkName} up; ip addr add 169.254.1.1/32 dev ${pod.linkName}
    ip addr add fe80::1/64 dev ${pod.linkName} nodad
    ip route add ${pod.ip4} dev ${pod.linkName}; ip route add ${pod.ip6} dev ${pod.linkName}
    echo 1 > /proc/sys/net/ipv4/conf/${pod.linkName}/route_localnet; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
    echo 0 > /proc/sys/net/ipv4/conf/${pod.linkName}/rp_filter`,
  );
  at(
    inside,
    `ip link set eth0 up; ip addr add ${pod.ip4}/32 dev eth0; ip addr add 10.77.0.99/32 dev eth0
    ip addr add ${pod.ip6}/128 dev eth0 nodad; ip addr add fd77::99/128 dev eth0 nodad
    ip route add 169.254.1.1 dev eth0; ip route add default via 169.254.1.1; ip -6 route add default via fe80::1 dev eth0
    echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet
    ip route del local 127.0.0.0/8 dev lo table local 2>/dev/null || true; ip addr del 127.0.0.1/8 dev lo
    ip route add 127.0.0.1 via 169.254.1.1 dev eth0 src ${pod.ip4}`,
  );
  nft(baseRuleset(config));
});
t.after(() => {
  for (const namespace of [host, inside]) ip("netns", "delete", namespace);
});

/** Sends one datagram from each of the addresses, in order; resolves with the one that the first to arrive came from. */
async function firstToArrive(
  type: "udp4" | "udp6",
  sends: readonly (readonly [from: string, to: string])[],
): Promise<string> {
  const any = type === "udp4" ? "0.0.0.0" : "::";
  const receive = `const s = require("dgram").createSocket("${type}");
    s.on("message", (text) => { console.log(String(text)); s.close(); }); s.bind(5353, "${any}", () => console.log("ready"));`;
  const receiver = spawn("ip", ["netns", "exec", host, process.execPath, "-e", receive], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  receiver.stdout.on("data", (text) => (output += text));
  const closed = once(receiver, "close");
  await once(receiver.stdout, "data");
  const send = `(async () => { for (const [from, to] of ${JSON.stringify(sends)}) await new Promise((done, fail) => {
    const s = require("dgram").createSocket("${type}"); s.on("error", fail);
    s.bind(0, from, () => s.send(from + " to " + to, 5353, to, (error) => { s.close(); error ? fail(error) : done(); })); }); })()`;
  execFileSync("ip", ["netns", "exec", inside, process.execPath, "-e", send]);
  await closed;
  return output.split("\n")[1] ?? "";
}

const forged4 = [
  ["10.77.0.99", "169.254.1.1"],
  [pod.ip4, "169.254.1.1"],
] as const;
const loopback = [
  [pod.ip4, "127.0.0.1"],
  [pod.ip4, "169.254.1.1"],
] as const;
const forged6 = [
  ["fd77::99", "fd77:1::1"],
  [pod.ip6, "fd77:1::1"],
] as const;

t.test(
  "without the pod's elements, forged and loopback packets come through: the tests below would see them",
  async (t) => {
    at(host, "ip addr add fd77:1::1/128 dev lo nodad");
    t.equal(await firstToArrive("udp4", forged4), "10.77.0.99 to 169.254.1.1");
    t.equal(await firstToArrive("udp4", loopback), `${pod.ip4} to 127.0.0.1`);
    t.equal(await firstToArrive("udp6", forged6), "fd77::99 to fd77:1::1");
  },
);

t.test("with them a pod sends from its own addresses only, and never to 127.0.0.1 of the host", async (t) => {
  nft(podElements(config.table, pod).add);
  t.equal(await firstToArrive("udp4", forged4), `${pod.ip4} to 169.254.1.1`);
  t.equal(await firstToArrive("udp4", loopback), `${pod.ip4} to 169.254.1.1`);
  t.equal(await firstToArrive("udp6", forged6), `${pod.ip6} to fd77:1::1`);
});
