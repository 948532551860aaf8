import t from "tap";
import { mapElements, portElements } from "../../../src/net/host-ports.ts";

const pod = { ip4: "10.77.0.2", ip6: "fd77::2" };
const port = (hostIp: string, protocol: "TCP" | "UDP" | "SCTP" = "TCP") => ({
  protocol,
  hostPort: 8080,
  containerPort: 80,
  hostIp,
});
const elements = (hostIp: string) => mapElements({ ...pod, ports: [port(hostIp)] });

t.test("a port of every address is one element in the map of each family", async (t) => {
  t.same(elements(""), [
    { map: "hostport4", key: "tcp . 8080", value: "10.77.0.2 . 80" },
    { map: "hostport6", key: "tcp . 8080", value: "fd77::2 . 80" },
  ]);
});

t.test(
  "0.0.0.0 and :: are every address of their family, and one address is one element with it in its key",
  async (t) => {
    t.same(elements("0.0.0.0"), [{ map: "hostport4", key: "tcp . 8080", value: "10.77.0.2 . 80" }]);
    t.same(elements("::"), [{ map: "hostport6", key: "tcp . 8080", value: "fd77::2 . 80" }]);
    t.same(elements("127.0.0.1"), [{ map: "hostip4", key: "127.0.0.1 . tcp . 8080", value: "10.77.0.2 . 80" }]);
  },
);

t.test("an IPv6 address is written as the kernel prints it, or the check would never find it", async (t) => {
  t.equal(elements("FD00:0:0::0001")[0]?.key, "fd00::1 . tcp . 8080");
});

t.test("a pod without host ports changes nothing in the table, not even a transaction", async (t) => {
  t.same(portElements("podrun", pod), { add: "", delete: "" });
});

t.test("elements are deleted by their key, after the maps are made sure of", async (t) => {
  const { add, delete: remove } = portElements("podrun", { ...pod, ports: [port("0.0.0.0", "SCTP")] });
  t.equal(add, "add element inet podrun hostport4 { sctp . 8080 : 10.77.0.2 . 80 }\n");
  t.match(remove, /^add table inet podrun\nadd map [\s\S]*\ndelete element inet podrun hostport4 { sctp \. 8080 }\n$/);
});
