import t from "tap";
import { whyUnschedulable } from "../../../src/pod/schedule.ts";
import { makePod } from "./fixtures.ts";

const withPort = (name: string, ports: object) =>
  makePod({ containers: [{ name: "web", image: "podrun.local/base", ports: [ports] }] }, { name, uid: name });

t.test("a pod has no place while another one has a port that it asks for, and is told whose it is", async (t) => {
  const first = withPort("first", { containerPort: 80, hostPort: 8080 });
  const second = withPort("second", { containerPort: 81, hostPort: 8080, hostIP: "127.0.0.1" });
  t.equal(
    whyUnschedulable(second, () => [first]),
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports (127.0.0.1:8080/TCP is the port of pod default/first).",
  );
  t.equal(
    whyUnschedulable(first, () => [first]),
    undefined,
    "itself is no other",
  );
  t.equal(
    whyUnschedulable(withPort("udp", { containerPort: 80, hostPort: 8080, protocol: "UDP" }), () => [first]),
    undefined,
  );
});

t.test("a pod without host ports is not held against any other", async (t) => {
  t.equal(
    whyUnschedulable(makePod(), () => t.fail("nobody is asked for") as never),
    undefined,
  );
});

t.test("a pod on the host's network has its ports there", async (t) => {
  const host = makePod(
    { hostNetwork: true, containers: [{ name: "web", image: "podrun.local/base", ports: [{ containerPort: 80 }] }] },
    { name: "host", uid: "host" },
  );
  t.match(
    whyUnschedulable(withPort("web", { containerPort: 1, hostPort: 80 }), () => [host]),
    /80\/TCP is the port of pod default\/host/,
  );
});
