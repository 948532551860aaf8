import t from "tap";
import { forwardingSettings } from "../../../src/net/forwarding.ts";

t.test("advertisements go on being believed where a route comes from them, before forwarding starts", async (t) => {
  const settings = forwardingSettings([{ name: "eth0", learnsRoutes: true, acceptRa: 1 }], true);
  t.same(
    settings.map(({ path, value }) => [path, value]),
    [
      ["net/ipv6/conf/eth0/accept_ra", "2"],
      ["net/ipv4/ip_forward", "1"],
      ["net/ipv6/conf/all/forwarding", "1"],
    ],
  );
});

t.test("other interfaces keep their accept_ra, and so does one that wants no advertisements", async (t) => {
  const settings = forwardingSettings(
    [
      { name: "a", learnsRoutes: false, acceptRa: 1 },
      { name: "b", learnsRoutes: true, acceptRa: 0 },
      { name: "c", learnsRoutes: true, acceptRa: 2 },
    ],
    true,
  );
  t.notOk(settings.some(({ path }) => path.endsWith("accept_ra")));
});

t.test("without IPv6 in the kernel only IPv4 is set", async (t) => {
  t.same(
    forwardingSettings([], false).map(({ path }) => path),
    ["net/ipv4/ip_forward"],
  );
});
