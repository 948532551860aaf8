import { ifla, parseAttributes, parseMessages, rt } from "netlink";
import t from "tap";
import {
  describeMessages,
  formatIp,
  insideBatch,
  ipBytes,
  macBytes,
  outsideBatch,
} from "../../../src/linux/netlink/index.ts";

const HOST_MAC = "02:00:00:00:00:01";
const POD_MAC = "02:00:00:00:00:02";
const outside = {
  hostIndex: 100_001,
  hostName: "pr1",
  hostMac: HOST_MAC,
  podMac: POD_MAC,
  netnsSlot: 1,
  ip4: "10.77.0.2",
  ip6: "fd77::2",
};

t.test("the outside batch makes the pair, then its routes, then its neighbours", async (t) => {
  t.strictSame(describeMessages(outsideBatch(outside).messages), [
    "link add pr1 index 100001 up type veth peer eth0 in the pod's namespace",
    "route add 10.77.0.2/32 dev 100001",
    "route add fd77::2/128 dev 100001",
    "neighbour add 10.77.0.2 lladdr 02:00:00:00:00:02 dev 100001 permanent",
    "neighbour add fd77::2 lladdr 02:00:00:00:00:02 dev 100001 permanent",
  ]);
});

t.test("the inside batch brings up both links and leads out through link-local gateways", async (t) => {
  t.strictSame(describeMessages(insideBatch({ hostMac: HOST_MAC, ip4: "10.77.0.2", ip6: "fd77::2" }).messages), [
    "link set 1 up",
    "link set 1000 up",
    "address add 10.77.0.2/32 dev 1000",
    "address add fd77::2/128 dev 1000",
    "neighbour add 169.254.1.1 lladdr 02:00:00:00:00:01 dev 1000 permanent",
    "neighbour add fe80::1 lladdr 02:00:00:00:00:01 dev 1000 permanent",
    "route add default via 169.254.1.1 dev 1000",
    "route add default via fe80::1 dev 1000",
  ]);
});

t.test("without an IPv6 address nothing of IPv6 is in the batches", async (t) => {
  const { ip6: _, ...ip4Only } = outside;
  const lines = [
    ...describeMessages(outsideBatch(ip4Only).messages),
    ...describeMessages(insideBatch({ hostMac: HOST_MAC, ip4: "10.77.0.2" }).messages),
  ];
  t.equal(lines.filter((line) => line.includes("::")).length, 0);
});

t.test("every message asks for an acknowledgement and has its own number from 1 up", async (t) => {
  const messages = parseMessages(outsideBatch(outside).messages);
  t.strictSame(
    messages.map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  );
  for (const { flags } of messages) t.equal(flags & 5, 5);
});

t.test("the fixup points at the value of the peer's IFLA_NET_NS_FD and at nothing else", async (t) => {
  const batch = outsideBatch(outside);
  t.strictSame(batch.slots, [1]);
  t.equal(batch.fixups.length, 1);
  batch.messages.writeUInt32LE(12_345, batch.fixups[0]);
  const first = parseMessages(batch.messages)[0]!;
  const link = rt.parseLinkMessage(first.data);
  let peer: ifla.LinkAttrs | undefined;
  parseAttributes(link.attrs.linkinfo!, (attribute) => {
    if (attribute.type === 2) peer = ifla.parseLinkAttrs(ifla.parseVethInfo(attribute.data).peer!.subarray(16));
  });
  t.equal(peer?.netNsFd, 12_345);
  t.equal(peer?.ifname, "eth0");
});

t.test("the MTU is set at both ends, and left to the kernel when it is not given", async (t) => {
  const count = (mtu?: number): number => {
    const link = rt.parseLinkMessage(parseMessages(outsideBatch({ ...outside, mtu }).messages)[0]!.data);
    return [link.attrs.mtu, link.attrs.linkinfo?.includes(Buffer.from([8, 0, 4, 0, 0x78, 5, 0, 0]))].filter(Boolean)
      .length;
  };
  t.equal(count(1400), 2);
  t.equal(count(), 0);
});

t.test("an IPv6 address is usable at once: duplicate detection is off", async (t) => {
  const address = parseMessages(insideBatch({ hostMac: HOST_MAC, ip6: "fd77::2" }).messages)
    .filter(({ type }) => type === rt.MessageType.NEWADDR)
    .map(({ data }) => rt.parseAddressMessage(data))[0];
  t.equal(address?.data.flags?.nodad, true);
  t.equal(address?.data.prefixlen, 128);
});

t.test("addresses go to bytes and back in the short form of RFC 5952", async (t) => {
  for (const text of ["10.77.0.2", "::", "::1", "fd77::2", "fe80::1", "2001:db8:0:1:1:1:1:1", "1:0:0:2::3", "1::"])
    t.equal(formatIp(ipBytes(text)), text);
  t.equal(formatIp(ipBytes("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
  t.equal(formatIp(ipBytes("::ffff:10.0.0.1")), "::ffff:a00:1");
});

t.test("what is not an address is refused with the right form", async (t) => {
  for (const text of ["", "10.0.0", "10.0.0.256", "fe80::1%eth0", "1:2:3:4:5:6:7:8:9", "fd77::/64"])
    t.throws(() => ipBytes(text), { code: "BadRequest", message: /write it as 10\.77\.0\.2 or fd77::2/ });
  for (const text of ["", "02:00:00:00:00", "02:00:00:00:00:0g", "020000000001"])
    t.throws(() => macBytes(text), { code: "BadRequest" });
});
