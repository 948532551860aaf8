import t from "tap";
import { hostSide, portsOverlap, portText } from "../../../src/spec/index.ts";
import { pod, problemsOf as problems, rawPod } from "./pods.ts";

type Containers = readonly object[];

/** Containers a, b … of a pod. */
const withNames = (containers: Containers): object[] =>
  containers.map((one, index) => ({ name: "ab"[index], image: "podrun.local/base", ...one }));
const problemsOf = (containers: Containers, spec: object = {}): readonly string[] =>
  problems(rawPod({ spec: { ...spec, containers: withNames(containers) } }));
const specOf = (containers: Containers, spec: object = {}) =>
  pod({ spec: { ...spec, containers: withNames(containers) } }).spec;

t.test("ports are one on the host when protocol, number and an address are", async (t) => {
  const at = (hostIp: string, protocol: "TCP" | "UDP" = "TCP", hostPort = 80) => ({ protocol, hostPort, hostIp });
  t.ok(portsOverlap(at(""), at("127.0.0.1")), "every address is one of them, too");
  t.ok(portsOverlap(at("0.0.0.0"), at("192.0.2.1")));
  t.ok(portsOverlap(at("fd00::1"), at("FD00:0::1")), "one address, written in two ways");
  t.notOk(portsOverlap(at("0.0.0.0"), at("::")), "each a family of its own");
  t.notOk(portsOverlap(at("127.0.0.1"), at("127.0.0.2")));
  t.notOk(portsOverlap(at(""), at("", "UDP")));
  t.notOk(portsOverlap(at(""), at("", "TCP", 81)));
});

t.test("a port is written as its users know it", async (t) => {
  t.equal(portText({ protocol: "TCP", hostPort: 80, hostIp: "" }), "80/TCP");
  t.equal(portText({ protocol: "UDP", hostPort: 53, hostIp: "fd00::1" }), "[fd00::1]:53/UDP");
  t.same(hostSide("fd00:0::1"), { families: [6], address: "fd00::1" });
});

t.test("a hostPort that is used twice in a pod is refused, and of different addresses is not", async (t) => {
  const port = (hostIP?: string, containerPort = 80) => ({ containerPort, hostPort: 8080, ...(hostIP && { hostIP }) });
  t.match(problemsOf([{ ports: [port()] }, { ports: [port("127.0.0.1", 81)] }]), [
    "spec.containers[1].ports[0].hostPort: 127.0.0.1:8080/TCP is used twice: spec.containers[0].ports[0] has 8080/TCP already",
  ]);
  t.doesNotThrow(() => specOf([{ ports: [port("127.0.0.1"), port("192.0.2.1")] }]), "also to one containerPort");
});

t.test("addresses that no port can have are refused with what would be right", async (t) => {
  const refusal = (hostIP: string, more: object = { hostPort: 80 }) =>
    problemsOf([{ ports: [{ containerPort: 80, hostIP, ...more }] }])[0];
  t.match(refusal("::1"), /hostIP: ::1 can't be routed to a pod: .*write 127\.0\.0\.1/);
  t.match(refusal("0::0:1"), /::1 can't be routed/);
  t.match(refusal("fe80::1"), /hostIP: fe80::1 is not an address that a port can have/);
  t.match(refusal("::ffff:192.0.2.1"), /is an IPv4 address written as IPv6/);
  t.match(refusal("127.0.0.1", {}), /hostIP: needs a hostPort beside it/);
  t.match(refusal("localhost"), /"localhost" is not an IPv4 or IPv6 address/);
  t.match(problemsOf([{ ports: [{ containerPort: 80, hostPort: 70000 }] }])[0], /hostPort: .*65535/);
});

t.test("0 is no host port, and on the host's network the port is the container's", async (t) => {
  t.same(specOf([{ ports: [{ containerPort: 80, hostPort: 0 }] }]).containers[0]?.ports, [
    { containerPort: 80, protocol: "TCP" },
  ]);
  const own = [{ ports: [{ containerPort: 80 }] }];
  t.equal(specOf(own, { hostNetwork: true }).containers[0]?.ports?.[0]?.hostPort, 80);
  const other = [{ ports: [{ containerPort: 80, hostPort: 81 }] }];
  t.match(problemsOf(other, { hostNetwork: true }), [
    "spec.containers[0].ports[0].hostPort: must be 80, the containerPort, when hostNetwork is true",
  ]);
});
