import t from "tap";
import { Reasons } from "../../../src/pod/reasons.ts";
import { buildSandboxConfig } from "../../../src/pod/sandbox-config.ts";
import { makePod, NO_CLAIMS } from "./fixtures.ts";

const RESOLVER = { nameservers: ["127.0.0.53", "192.0.2.53"], searches: ["example.org"], options: [] };

function build(spec: object = {}, metadata: object = {}, podPidsLimit?: number) {
  return buildSandboxConfig(makePod(spec, metadata), 2, {
    root: "/root",
    claims: NO_CLAIMS,
    memoryBytes: 2 ** 33,
    logs: "/logs",
    hostname: "host",
    clusterDomain: "cluster.test",
    hostsFile: "127.0.0.1 localhost host\n",
    resolver: RESOLVER,
    podPidsLimit,
    reasons: new Reasons(),
  });
}

t.test("a pod has its own network, IPC and processes unless it asks for the node's", async (t) => {
  t.match(build(), { network: "pod", ipc: "pod", pid: "container", hostname: "hello", metadata: { attempt: 2 } });
  t.match(build({ hostNetwork: true, hostIPC: true, hostPID: true }), {
    network: "node",
    ipc: "node",
    pid: "node",
    hostname: "host",
  });
  t.match(build({ shareProcessNamespace: true }), { pid: "pod" });
});

t.test("the host name is the pod's name, cut to what Linux takes, without a dot or dash at its end", async (t) => {
  t.equal(build({ hostname: "other" }).hostname, "other");
  t.equal(build({}, { name: `${"a".repeat(62)}.b` }).hostname, "a".repeat(62));
});

t.test(
  "a subdomain gives the pod a full name in its hosts, and with setHostnameAsFQDN for the kernel too",
  async (t) => {
    const named = build({ hostname: "a", subdomain: "s" });
    t.equal(named.hostname, "a");
    t.match(named.hosts(["10.77.0.2"]), "10.77.0.2\ta.s.default.svc.cluster.test\ta\n");
    t.equal(build({ subdomain: "s", setHostnameAsFQDN: true }).hostname, "hello.s.default.svc.cluster.test");
    t.equal(build({ setHostnameAsFQDN: true }).hostname, "hello", "there is no full name without a subdomain");
    t.equal(build({ subdomain: "s", setHostnameAsFQDN: true, hostNetwork: true }).hostname, "host");
    t.throws(() => build({ subdomain: "s".repeat(60), setHostnameAsFQDN: true }), {
      code: "InvalidObject",
      message: /has 91 characters, and Linux takes 64/,
    });
  },
);

t.test("hostnameOverride is the name, whatever else is said of it", async (t) => {
  const { hostname, hosts } = build({ hostnameOverride: "db.example.org", hostname: "a", subdomain: "s" });
  t.equal(hostname, "db.example.org");
  t.match(hosts(["10.77.0.2"]), "10.77.0.2\tdb.example.org\n");
});

t.test("hosts has the pod's addresses and aliases; a pod in the host's network has the host's file", async (t) => {
  const hostAliases = [{ ip: "192.0.2.9", hostnames: ["a", "b"] }];
  t.match(build({ hostAliases }).hosts(["10.77.0.2"]), /10\.77\.0\.2\thello\n[\s\S]*192\.0\.2\.9\ta\tb/);
  t.match(build({ hostNetwork: true }).hosts([]), "127.0.0.1 localhost host");
});

t.test("resolv.conf leaves out servers that only the host can reach, and takes dnsConfig", async (t) => {
  const dnsConfig = { searches: ["more.example"], options: [{ name: "ndots", value: "3" }] };
  const { resolvConf } = build({ dnsConfig });
  t.notMatch(resolvConf, "127.0.0.53");
  t.match(resolvConf, /nameserver 192\.0\.2\.53/);
  t.match(resolvConf, /search example\.org more\.example/);
  t.match(resolvConf, /options ndots:3/);
  t.match(build({ hostNetwork: true }).resolvConf, "127.0.0.53");
});

t.test("requests add up for the pod; limits only when every container has them", async (t) => {
  const limited = { requests: { cpu: "100m", memory: "1Mi" }, limits: { cpu: "1", memory: "2Mi" } };
  const containers = (second: object) =>
    [limited, second].map((resources, i) => ({ name: `c${i}`, image: "podrun.local/base", resources }));
  t.same(build({ containers: containers(limited) }).resources, {
    cpuRequestMillis: 200,
    memoryRequestBytes: 2 * 2 ** 20,
    cpuLimitMillis: 2000,
    memoryLimitBytes: 4 * 2 ** 20,
  });
  const half = build({ containers: containers({ limits: { memory: "2Mi" } }) }).resources;
  t.equal(half.cpuLimitMillis, undefined);
  t.equal(half.memoryLimitBytes, 4 * 2 ** 20);
  t.equal(build({}, {}, 100).resources.pidsLimit, 100);
});

t.test(
  "memory volumes are bounded by the least of their limit, the pod's memory limit and what the node has",
  async (t) => {
    const volumes = [
      { name: "own", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "pod", emptyDir: { medium: "Memory" } },
      { name: "disk", emptyDir: {} },
    ];
    t.same(build({ volumes }).memoryVolumes, { own: { sizeBytes: 2 ** 20 }, pod: { sizeBytes: 2 ** 33 } });
    const large = [{ name: "own", emptyDir: { medium: "Memory", sizeLimit: "9Mi" } }];
    const containers = [{ name: "c", image: "podrun.local/base", resources: { limits: { memory: "8Mi" } } }];
    t.same(build({ volumes, containers }).memoryVolumes, {
      own: { sizeBytes: 2 ** 20 },
      pod: { sizeBytes: 8 * 2 ** 20 },
    });
    t.same(build({ volumes: large, containers }).memoryVolumes, { own: { sizeBytes: 8 * 2 ** 20 } });
  },
);

t.test("volumes of huge pages are of the size that the pod asks for, and no larger than that", async (t) => {
  const limits = { "hugepages-2Mi": "8Mi", memory: "64Mi" };
  const containers = [{ name: "c", image: "podrun.local/base", resources: { limits } }];
  const volumes = [
    { name: "all", emptyDir: { medium: "HugePages" } },
    { name: "some", emptyDir: { medium: "HugePages-2Mi", sizeLimit: "4Mi" } },
    { name: "more", emptyDir: { medium: "HugePages-2Mi", sizeLimit: "1Gi" } },
  ];
  const { memoryVolumes } = build({ volumes, containers, securityContext: { fsGroup: 3000 } });
  const page = { mode: 0o2777, gid: 3000, pageBytes: 2 ** 21 };
  t.same(memoryVolumes, {
    all: { ...page, sizeBytes: 2 ** 23 },
    some: { ...page, sizeBytes: 2 ** 22 },
    more: { ...page, sizeBytes: 2 ** 23 },
  });
});

t.test("logs lie where the kubelet puts them", async (t) => {
  t.equal(build({}, { uid: "u-1" }).logDirectory, "/logs/default_hello_u-1");
  const long = build({}, { uid: "u-1", namespace: "n".repeat(63), name: "a".repeat(253) }).logDirectory;
  t.equal(long.slice("/logs/".length).length, 255, "what is longer than a file name may be is cut");
  t.match(long, /^\/logs\/n{63}_a{187}_u-1$/);
});
