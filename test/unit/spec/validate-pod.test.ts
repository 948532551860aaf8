import t, { type Test } from "tap";
import { EVERYTHING, pod, problemsOf, type RawPod, rawPod } from "./pods.ts";

/** Each case: a bent pod and the beginning of its only problem. */
function refuses(t: Test, cases: readonly (readonly [RawPod, string])[]): void {
  for (const [parts, start] of cases) {
    const problems = problemsOf(rawPod(parts));
    t.equal(problems.length, 1, `${start}: ${problems.join(" | ")}`);
    t.ok(problems[0]?.startsWith(start), `${problems[0]} starts with ${start}`);
  }
}

function accepts(t: Test, cases: readonly RawPod[]): void {
  for (const parts of cases) t.doesNotThrow(() => pod(parts), JSON.stringify(parts));
}

t.test("names are DNS names", async (t) => {
  refuses(t, [
    [{ metadata: { name: "Web" } }, 'metadata.name: "Web" is not a DNS name'],
    [{ metadata: { name: "web_1" } }, 'metadata.name: "web_1" is not a DNS name'],
    [{ metadata: { name: "-web" } }, 'metadata.name: "-web" is not'],
    [{ metadata: { name: "web/../x" } }, 'metadata.name: "web/../x" is not'],
    [{ metadata: { name: "a".repeat(254) } }, "metadata.name: is 254 characters long; 253 are the most"],
    [{ metadata: { name: "" } }, "metadata.name: required, but missing"],
    [{ metadata: { name: null } }, "metadata.name: required, but missing"],
    [{ metadata: { namespace: "My.Space" } }, 'metadata.namespace: "My.Space" is not a DNS label'],
    [{ metadata: { name: null, generateName: "Web-" } }, "metadata.generateName: "],
    [{ container: { name: "web.1" } }, 'spec.containers[0].name: "web.1" is not a DNS label'],
    [{ spec: { hostname: "a.b" } }, "spec.hostname: "],
    [{ spec: { subdomain: "A" } }, "spec.subdomain: "],
    [{ spec: { hostnameOverride: "a".repeat(65) } }, "spec.hostnameOverride: is 65 characters long; 64 are the most"],
    [{ spec: { hostnameOverride: "a_b" } }, "spec.hostnameOverride: "],
    [
      { spec: { hostnameOverride: "a", hostNetwork: true } },
      "spec.hostnameOverride: can't be set together with hostNetwork",
    ],
    [
      { spec: { hostnameOverride: "a", setHostnameAsFQDN: true } },
      "spec.hostnameOverride: can't be set together with setHostnameAsFQDN",
    ],
  ]);
  accepts(t, [
    { metadata: { name: "a.b-c.1" } },
    { metadata: { name: null, generateName: "web-" } },
    { container: { name: "a".repeat(63) } },
  ]);
});

t.test("labels and annotations have Kubernetes' keys and values", async (t) => {
  refuses(t, [
    [{ metadata: { labels: { "a b": "x" } } }, 'metadata.labels["a b"]: "a b" is not a label key'],
    [{ metadata: { labels: { "a/b/c": "x" } } }, 'metadata.labels["a/b/c"]: '],
    [{ metadata: { labels: { "/b": "x" } } }, 'metadata.labels["/b"]: '],
    [{ metadata: { labels: { "Host.Name/b": "x" } } }, 'metadata.labels["Host.Name/b"]: the prefix of'],
    [{ metadata: { labels: { ["a".repeat(64)]: "x" } } }, "metadata.labels"],
    [{ metadata: { labels: { a: "x y" } } }, 'metadata.labels.a: "x y" is not a label value'],
    [{ metadata: { labels: { a: "x".repeat(64) } } }, "metadata.labels.a: is 64 characters long; 63 are the most"],
    [{ metadata: { annotations: { "a b": "x" } } }, 'metadata.annotations["a b"]: '],
    [{ metadata: { annotations: { a: "x".repeat(256 * 1024) } } }, "metadata.annotations: 262145 bytes in all"],
  ]);
  accepts(t, [
    { metadata: { labels: { "app.kubernetes.io/name": "web", tier: "", a_b: "X.y-1" } } },
    { metadata: { annotations: { "a.b/c": "any text\nat all: {}" } } },
  ]);
});

t.test("quantities are Kubernetes', not negative, and requests are no more than limits", async (t) => {
  const limits = (cpu: unknown) => ({ container: { resources: { limits: { cpu } } } });
  refuses(t, [
    [limits("half"), 'spec.containers[0].resources.limits.cpu: "half" is not a quantity'],
    [limits("1 "), 'spec.containers[0].resources.limits.cpu: "1 " is not a quantity'],
    [limits("1KB"), 'spec.containers[0].resources.limits.cpu: "1KB" is not a quantity'],
    [limits(-1), 'spec.containers[0].resources.limits.cpu: "-1" is negative'],
    [limits(Number.NaN), "spec.containers[0].resources.limits.cpu: must be a quantity"],
    [
      { container: { resources: { limits: { cpu: "1" }, requests: { cpu: "1001m" } } } },
      'spec.containers[0].resources.requests.cpu: "1001m" is more than the limit "1"',
    ],
    [
      { container: { resources: { limits: { memory: "1M" }, requests: { memory: "1Mi" } } } },
      'spec.containers[0].resources.requests.memory: "1Mi" is more',
    ],
    [
      { container: { resources: { requests: { memory: "64m" } } } },
      'spec.containers[0].resources.requests.memory: "64m" is not a whole number of bytes; m is a thousandth: did you mean "64M" or "64Mi"?',
    ],
    [
      { container: { resources: { limits: { cpus: 1 } } } },
      'spec.containers[0].resources.limits.cpus: unknown field; did you mean "cpu"?',
    ],
    [
      { spec: { volumes: [{ name: "a", emptyDir: { sizeLimit: "lots" } }] } },
      'spec.volumes[0].emptyDir.sizeLimit: "lots" is not a quantity',
    ],
  ]);
  accepts(t, [
    limits("0.1"),
    limits(2),
    { container: { resources: { limits: { cpu: 1 }, requests: { cpu: "1000m", memory: "1.5Gi" } } } },
  ]);
});

t.test("ports are from 1 to 65535, with right and different names and numbers", async (t) => {
  const ports = (...list: unknown[]) => ({ container: { ports: list } });
  refuses(t, [
    [
      ports({ containerPort: 0 }),
      "spec.containers[0].ports[0].containerPort: 0 is out of range; it must be from 1 to 65535",
    ],
    [ports({ containerPort: 65536 }), "spec.containers[0].ports[0].containerPort: 65536 is out of range"],
    [ports({}), "spec.containers[0].ports[0].containerPort: required, but missing"],
    [
      ports({ containerPort: 80, protocol: "tcp" }),
      'spec.containers[0].ports[0].protocol: "tcp" is none of "TCP", "UDP", "SCTP"',
    ],
    [ports({ containerPort: 80, name: "http_alt" }), 'spec.containers[0].ports[0].name: "http_alt" is not a port name'],
    [ports({ containerPort: 80, name: "8080" }), 'spec.containers[0].ports[0].name: "8080" is not a port name'],
    [ports({ containerPort: 80, name: "a".repeat(16) }), "spec.containers[0].ports[0].name: "],
    [
      ports({ containerPort: 80, name: "a" }, { containerPort: 81, name: "a" }),
      'spec.containers[0].ports[1].name: "a" is used twice',
    ],
  ]);
  accepts(t, [
    ports({ containerPort: 53 }, { containerPort: 53, protocol: "UDP" }),
    ports({ containerPort: 80, name: "http" }, { containerPort: 80, name: "metrics" }),
    ports({ containerPort: 80, name: "http-2" }),
  ]);
});

t.test(
  "containers, volumes and mount paths are not given twice, and of two variables the later one counts",
  async (t) => {
    refuses(t, [
      [
        {
          spec: {
            containers: [
              { name: "a", image: "x" },
              { name: "a", image: "y" },
            ],
          },
        },
        'spec.containers[1].name: "a" is used twice: spec.containers[0] has it too',
      ],
      [{ spec: { volumes: [{ name: "v" }, { name: "v" }] } }, 'spec.volumes[1].name: "v" is used twice'],
      [
        {
          spec: { volumes: [{ name: "v" }] },
          container: {
            volumeMounts: [
              { name: "v", mountPath: "/a" },
              { name: "v", mountPath: "/a" },
            ],
          },
        },
        'spec.containers[0].volumeMounts[1].mountPath: "/a" is used twice',
      ],
      [
        { spec: { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/a" } }] } },
        "spec.volumes[0]: has both emptyDir and hostPath",
      ],
    ]);
  },
);

t.test("a mount needs its volume and an absolute path", async (t) => {
  const pages = (medium: string, limits: object): RawPod => ({
    spec: { volumes: [{ name: "v", emptyDir: { medium } }] },
    container: { resources: { limits: { memory: "1Gi", ...limits } } },
  });
  const mount = (volumeMount: unknown, volumes: unknown = [{ name: "data" }]) => ({
    spec: { volumes },
    container: { volumeMounts: [volumeMount] },
  });
  refuses(t, [
    [
      mount({ name: "date", mountPath: "/d" }),
      'spec.containers[0].volumeMounts[0].name: no volume "date" in spec.volumes; the pod has "data"',
    ],
    [
      mount({ name: "data", mountPath: "/d" }, null),
      'spec.containers[0].volumeMounts[0].name: no volume "data" in spec.volumes; the pod has none',
    ],
    [
      mount({ name: "data", mountPath: "d" }),
      'spec.containers[0].volumeMounts[0].mountPath: "d" is not an absolute path',
    ],
    [mount({ name: "data", mountPath: "/a:b" }), "spec.containers[0].volumeMounts[0].mountPath: "],
    [
      mount({ name: "data", mountPath: "/" }),
      "spec.containers[0].volumeMounts[0].mountPath: is the container's root itself",
    ],
    [
      mount({ name: "data", mountPath: "/a\0b" }),
      "spec.containers[0].volumeMounts[0].mountPath: contains a NUL character",
    ],
    [mount({ name: "data", mountPath: "/d", subPath: "../x" }), "spec.containers[0].volumeMounts[0].subPath: "],
    [
      { spec: { volumes: [{ name: "v", hostPath: { path: "srv" } }] } },
      'spec.volumes[0].hostPath.path: "srv" is not an absolute path',
    ],
    [
      { spec: { volumes: [{ name: "v", hostPath: { path: "/srv/../etc" } }] } },
      'spec.volumes[0].hostPath.path: "/srv/../etc" contains ".."',
    ],
    [
      { spec: { volumes: [{ name: "v", hostPath: { path: "/srv", type: "Folder" } }] } },
      'spec.volumes[0].hostPath.type: "Folder" is none of',
    ],
    [
      { spec: { volumes: [{ name: "v", emptyDir: { medium: "HugePages" } }] } },
      'spec.volumes[0].emptyDir.medium: "HugePages" needs a container that asks for hugepages-2Mi or hugepages-1Gi',
    ],
    [
      pages("HugePages-1Gi", { "hugepages-2Mi": "2Mi" }),
      'spec.volumes[0].emptyDir.medium: "HugePages-1Gi" needs a container that asks for hugepages-1Gi',
    ],
    [
      pages("HugePages", { "hugepages-2Mi": "2Mi", "hugepages-1Gi": "1Gi" }),
      "spec.volumes[0].emptyDir.medium: the pod asks for hugepages-1Gi and hugepages-2Mi; write HugePages-1Gi or",
    ],
    [
      { spec: { volumes: [{ name: "v", emptyDir: { medium: "HugePages-4Mi" } }] } },
      "spec.volumes[0].emptyDir.medium: ",
    ],
    [{ container: { workingDir: "srv" } }, 'spec.containers[0].workingDir: "srv" is not an absolute path'],
  ]);
  accepts(t, [
    mount({ name: "data", mountPath: "/d", readOnly: true }),
    pages("HugePages", { "hugepages-2Mi": "2Mi" }),
    pages("HugePages-1Gi", { "hugepages-2Mi": "2Mi", "hugepages-1Gi": "1Gi" }),
  ]);
});

t.test("addresses are IPv4 or IPv6, and DNS keeps resolv.conf's limits", async (t) => {
  const dns = (dnsConfig: unknown, dnsPolicy = "Default") => ({ spec: { dnsPolicy, dnsConfig } });
  refuses(t, [
    [
      { spec: { hostAliases: [{ ip: "10.0.0.256", hostnames: ["a"] }] } },
      'spec.hostAliases[0].ip: "10.0.0.256" is not an IPv4 or IPv6 address',
    ],
    [{ spec: { hostAliases: [{ ip: "fe80::1%eth0" }] } }, "spec.hostAliases[0].ip: "],
    [{ spec: { hostAliases: [{ ip: "10.0.0.1", hostnames: ["a b"] }] } }, "spec.hostAliases[0].hostnames[0]: "],
    [
      dns({ nameservers: ["dns.example"] }),
      'spec.dnsConfig.nameservers[0]: "dns.example" is not an IPv4 or IPv6 address',
    ],
    [
      dns({ nameservers: ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"] }),
      "spec.dnsConfig.nameservers: 4 addresses; 3 are the most",
    ],
    [dns({ searches: ["a b"] }), "spec.dnsConfig.searches[0]: "],
    [
      dns({ searches: Array.from({ length: 33 }, (_, i) => `d${i}`) }),
      "spec.dnsConfig.searches: 33 domains; 32 are the most",
    ],
    [dns({ options: [{ name: "ndots:5\nnameserver" }] }), "spec.dnsConfig.options[0].name: "],
    [dns({}, "None"), "spec.dnsConfig.nameservers: required with dnsPolicy None"],
  ]);
  accepts(t, [
    { spec: { hostAliases: [{ ip: "10.0.0.1", hostnames: ["a", "b.c"] }, { ip: "::1" }] } },
    dns(
      {
        nameservers: ["1.1.1.1", "fd00::1"],
        searches: ["my_zone.example.", "."],
        options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
      },
      "None",
    ),
  ]);
});

t.test("variables have names, one source, and fields that there are", async (t) => {
  const env = (variable: unknown) => ({ container: { env: [variable] } });
  const from = (valueFrom: unknown) => env({ name: "A", valueFrom });
  refuses(t, [
    [env({ value: "x" }), "spec.containers[0].env[0].name: required, but missing"],
    [env({ name: "A=B" }), 'spec.containers[0].env[0].name: "A=B" is not a variable name'],
    [env({ name: "A", value: "a\0b" }), "spec.containers[0].env[0].value: contains a NUL character"],
    [
      env({ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }),
      "spec.containers[0].env[0].valueFrom: given together with value",
    ],
    [
      from({}),
      "spec.containers[0].env[0].valueFrom: must have exactly one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef and fileKeyRef",
    ],
    [
      from({ fieldRef: { fieldPath: "status.phase" } }),
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: "status.phase" can\'t be read here; use one of metadata.name',
    ],
    [from({ fieldRef: { fieldPath: "metadata.labels" } }), "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: "],
    [
      from({ resourceFieldRef: { resource: "limits.disk" } }),
      "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: ",
    ],
    [
      from({ resourceFieldRef: { resource: "limits.cpu", containerName: "db" } }),
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.containerName: the pod has no container "db"',
    ],
  ]);
  accepts(t, [
    from({ fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/name']" } }),
    from({ fieldRef: { fieldPath: "status.podIPs" } }),
    from({ resourceFieldRef: { resource: "limits.memory", divisor: "1Mi", containerName: "web" } }),
  ]);
});

t.test("the namespaces of the host are not mixed with those of the pod", async (t) => {
  const two = [
    { name: "a", image: "x", ports: [{ containerPort: 80 }] },
    { name: "b", image: "x", ports: [{ containerPort: 80 }] },
  ];
  refuses(t, [
    [
      { spec: { hostPID: true, shareProcessNamespace: true } },
      "spec.shareProcessNamespace: can't be true together with hostPID",
    ],
    [
      { spec: { hostNetwork: true, containers: two } },
      "spec.containers[1].ports[0].hostPort: 80/TCP is used twice: spec.containers[0].ports[0] has 80/TCP already",
    ],
  ]);
  accepts(t, [{ spec: { hostPID: true, hostIPC: true, hostNetwork: true } }, { spec: { containers: two } }]);
});

t.test("an image reference is one word", async (t) => {
  refuses(t, [
    [{ container: { image: "nginx 1" } }, 'spec.containers[0].image: "nginx 1" has a space in it'],
    [{ container: { image: " nginx" } }, "spec.containers[0].image: "],
    [{ container: { image: "" } }, "spec.containers[0].image: required, but missing"],
  ]);
});

t.test("every field that a pod may have is taken", async (t) => accepts(t, [EVERYTHING]));
