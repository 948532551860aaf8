import t from "tap";
import { nodeHosts, podHosts } from "../../../src/net/hosts.ts";

t.test("a pod's hosts file has localhost, the pod's addresses and the aliases", async (t) => {
  const text = podHosts({
    addresses: ["10.77.0.2", "fd77::2"],
    hostname: "web",
    hostAliases: [{ ip: "192.0.2.1", hostnames: ["db", "db.example"] }],
  });
  t.equal(text.split("\n")[0], "# Kubernetes-managed hosts file.");
  for (const line of [
    "127.0.0.1\tlocalhost",
    "10.77.0.2\tweb",
    "fd77::2\tweb",
    "# Entries added by HostAliases.",
    "192.0.2.1\tdb\tdb.example",
  ]) {
    t.ok(text.split("\n").includes(line), line);
  }
});

t.test("a pod without aliases has no aliases' heading", async (t) => {
  t.notMatch(podHosts({ addresses: ["10.77.0.2"], hostname: "web" }), "HostAliases");
});

t.test("a subdomain gives the pod its full name first", async (t) => {
  const text = podHosts({ addresses: ["10.77.0.2"], hostname: "web", domain: "sub.default.svc.cluster.local" });
  t.match(text, "10.77.0.2\tweb.sub.default.svc.cluster.local\tweb\n");
});

t.test("a pod in the host's network gets the host's file with the aliases behind it", async (t) => {
  t.equal(
    nodeHosts("127.0.0.1 host", [{ ip: "1.2.3.4", hostnames: ["a"] }]),
    "# Kubernetes-managed hosts file (host network).\n127.0.0.1 host\n\n# Entries added by HostAliases.\n1.2.3.4\ta\n",
  );
});
