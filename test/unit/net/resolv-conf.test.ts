import t from "tap";
import { hostResolver, parseResolvConf, podResolvConf, type ResolvConfInput } from "../../../src/net/resolv-conf.ts";

const host = parseResolvConf("# c\nnameserver 192.0.2.53\nsearch example.com. corp\noptions timeout:1 rotate\n");
const input: ResolvConfInput = { policy: "Default", hostNetwork: false, namespace: "shop", host };
const cluster = { nameservers: ["10.96.0.10"], domain: "cluster.local" };

t.test("Default gives the host's servers, domains and options", async (t) => {
  t.equal(podResolvConf(input).text, "search example.com corp\nnameserver 192.0.2.53\noptions timeout:1 rotate\n");
});

t.test("ClusterFirst without a cluster is the same as Default, without a warning", async (t) => {
  t.same(podResolvConf({ ...input, policy: "ClusterFirst" }), podResolvConf(input));
});

t.test("ClusterFirst with a cluster asks it, and searches its domains first", async (t) => {
  t.equal(
    podResolvConf({ ...input, policy: "ClusterFirst", cluster }).text,
    "search shop.svc.cluster.local svc.cluster.local cluster.local example.com corp\nnameserver 10.96.0.10\noptions ndots:5\n",
  );
});

t.test("in the host's network ClusterFirst means Default, ClusterFirstWithHostNet the cluster", async (t) => {
  const there = { ...input, hostNetwork: true, cluster };
  t.match(podResolvConf({ ...there, policy: "ClusterFirst" }).text, "192.0.2.53");
  t.match(podResolvConf({ ...there, policy: "ClusterFirstWithHostNet" }).text, "10.96.0.10");
});

t.test("None has what dnsConfig says and nothing else", async (t) => {
  const dnsConfig = {
    nameservers: ["1.1.1.1"],
    searches: ["a"],
    options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
  };
  t.equal(
    podResolvConf({ ...input, policy: "None", dnsConfig }).text,
    "search a\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
  );
});

t.test("dnsConfig is added without duplicates, its options win", async (t) => {
  const dnsConfig = {
    nameservers: ["192.0.2.53", "192.0.2.54"],
    searches: ["corp", "new"],
    options: [{ name: "timeout", value: "5" }],
  };
  t.equal(
    podResolvConf({ ...input, dnsConfig }).text,
    "search example.com corp new\nnameserver 192.0.2.53\nnameserver 192.0.2.54\noptions timeout:5 rotate\n",
  );
});

t.test("more than the resolver can use is cut, with a warning", async (t) => {
  const dnsConfig = {
    nameservers: ["1.1.1.1", "2.2.2.2", "3.3.3.3"],
    searches: Array.from({ length: 40 }, (_, i) => `s${i}`),
  };
  const { text, warnings } = podResolvConf({ ...input, dnsConfig });
  t.equal(text.match(/^nameserver/gm)?.length, 3);
  t.equal(text.split("\n")[0]?.split(" ").length, 33);
  t.equal(warnings.length, 2);
});

t.test("search domains end where 2048 characters are full", async (t) => {
  const searches = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, "0")}${"x".repeat(198)}`);
  const { text } = podResolvConf({ ...input, policy: "None", dnsConfig: { searches } });
  const line = text.split("\n")[0]?.slice("search ".length) ?? "";
  t.equal(line.split(" ").length, 10);
  t.ok(line.length <= 2048);
});

t.test("behind systemd's stub the servers that it asks are used", async (t) => {
  t.same(hostResolver("nameserver 127.0.0.53\n", "nameserver 192.0.2.1\n").nameservers, ["192.0.2.1"]);
  t.same(hostResolver("nameserver 192.0.2.9\n", "nameserver 192.0.2.1\n").nameservers, ["192.0.2.9"]);
});

t.test(
  "a loopback server is not given to a pod with its own network, and the user is told when none is left",
  async (t) => {
    const loopback = hostResolver("nameserver 127.0.0.1\nnameserver ::1\n", undefined);
    const { text, warnings } = podResolvConf({ ...input, host: loopback });
    t.equal(text, "");
    t.match(warnings, [/no pod reaches them/]);
    t.match(podResolvConf({ ...input, host: loopback, hostNetwork: true }), { text: /127\.0\.0\.1/, warnings: [] });
  },
);
