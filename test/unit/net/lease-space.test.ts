import t from "tap";
import { leaseSpace } from "../../../src/net/lease-space.ts";
import { linkIndex, linkName } from "../../../src/net/links.ts";

const config = { cidr4: "10.77.0.0/16", cidr6: "fd77::/64", linkPrefix: "pr" };

t.test("one number gives a pod both addresses, its link and its MACs", async (t) => {
  const space = leaseSpace(config);
  const pod = space.at(0x102);
  t.match(pod, { ip4: "10.77.1.2", ip6: "fd77::102", podMac: "02:70:0a:4d:01:02", hostMac: "06:70:0a:4d:01:02" });
  t.equal(pod.linkName, `pr${pod.linkIndex.toString(16)}`);
});

t.test("network, gateway and broadcast addresses are never leased", async (t) => {
  const space = leaseSpace({ ...config, cidr4: "10.77.0.0/29" });
  const addresses = [];
  for (let number = space.first; number <= space.last; number++) addresses.push(space.at(number).ip4);
  t.same(addresses, ["10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.5", "10.77.0.6"]);
});

t.test("the smaller of both ranges says how many pods there can be", async (t) => {
  t.equal(leaseSpace({ ...config, cidr6: "fd77::/125" }).last, 7);
});

t.test("link indexes are high, far below 2^31, and differ between instances", async (t) => {
  for (const prefix of ["pr", "ta", "tb", "x", "podrun1"]) {
    const [low, high] = [linkIndex(prefix, 0, 65536), linkIndex(prefix, 65535, 65536)];
    t.ok(low >= 100_000 && high < 2 ** 30 + 2 ** 18, `${prefix} ${low}`);
    t.ok(linkName(prefix, high).length <= 15);
  }
  t.not(linkIndex("ta", 5, 65536), linkIndex("tb", 5, 65536));
});

t.test("no two numbers of one instance share a link", async (t) => {
  const space = leaseSpace({ ...config, cidr4: "10.0.0.0/8" });
  t.equal(space.at(space.last).linkIndex - space.at(space.first).linkIndex, space.last - space.first);
});

t.test("ranges that cannot work are refused", async (t) => {
  t.throws(() => leaseSpace({ ...config, cidr4: "fd77::/64" }), {
    code: "InvalidObject",
    message: /must be an IPv4 range/,
  });
  t.throws(() => leaseSpace({ ...config, cidr6: "10.77.0.0/16" }), {
    code: "InvalidObject",
    message: /must be an IPv6 range/,
  });
  t.throws(() => leaseSpace({ ...config, cidr4: "10.77.0.0/31" }), {
    code: "InvalidObject",
    message: /no room for a pod/,
  });
});

t.test("a link prefix that the kernel would cut or refuse is refused", async (t) => {
  for (const linkPrefix of ["toolongprefix", "", "9a", "a/b", "a b"]) {
    t.throws(
      () => leaseSpace({ ...config, linkPrefix }),
      { code: "InvalidObject", message: /link prefix/ },
      linkPrefix,
    );
  }
});
