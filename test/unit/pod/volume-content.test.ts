import t from "tap";
import type { KeptObject } from "../../../src/pod/types.ts";
import { buildContent } from "../../../src/pod/volume-content.ts";
import { decodeKubeObject } from "../../../src/spec/index.ts";
import { CAPACITY, makePod } from "./fixtures.ts";

const FACTS = {
  nodeName: "node",
  hostAddresses: [],
  podAddresses: [],
  allocatable: CAPACITY,
  machineMemoryBytes: 2 ** 33,
};
const kept = (kind: string, name: string, fields: object): KeptObject =>
  decodeKubeObject({ apiVersion: "v1", kind, metadata: { name }, ...fields }) as KeptObject;

const OBJECTS = [
  kept("ConfigMap", "web", { data: { b: "2", a: "1" }, binaryData: { bin: "AP8=" } }),
  kept("Secret", "login", { stringData: { user: "me", a: "secret" } }),
];
const objects = {
  find: (kind: string, namespace: string, name: string) =>
    OBJECTS.find(
      (one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name,
    ) as never,
};

function build(volume: object, metadata: object = {}, spec: object = {}) {
  const pod = makePod({ volumes: [{ name: "v", ...volume }], ...spec }, metadata);
  return buildContent(pod.spec.volumes?.[0] as never, pod, { facts: FACTS, objects });
}
const filesOf = (volume: object, metadata?: object) =>
  build(volume, metadata)?.files.map(({ path, data, mode }) => [path, Buffer.from(data).toString("latin1"), mode]);

t.test("every key is a file, by name; or the items, with their own modes", async (t) => {
  t.same(filesOf({ configMap: { name: "web" } }), [
    ["a", "1", 0o644],
    ["b", "2", 0o644],
    ["bin", "\0\xff", 0o644],
  ]);
  const items = [
    { key: "b", path: "x//y/./z" },
    { key: "a", path: "w", mode: 0o400 },
  ];
  t.same(filesOf({ configMap: { name: "web", defaultMode: 0o600, items } }), [
    ["x/y/z", "2", 0o600],
    ["w", "1", 0o400],
  ]);
  t.equal(build({ emptyDir: {} }), undefined);
});

t.test(
  "what is missing is told in the kubelet's words, all sources of a projected volume together; optional is left out",
  async (t) => {
    const refused = (volume: object, message: string): unknown =>
      t.throws(() => build(volume), { code: "NotFound", message });
    refused({ configMap: { name: "none" } }, 'configmap "none" not found');
    refused({ secret: { secretName: "none" } }, 'secret "none" not found');
    const items = [{ key: "none", path: "x" }];
    refused({ configMap: { name: "web", items } }, "references non-existent config key: none");
    refused({ secret: { secretName: "login", items } }, "references non-existent secret key: none");
    const sources = [{ configMap: { name: "none" } }, { secret: { name: "login" } }, { secret: { name: "gone" } }];
    refused({ projected: { sources } }, '[configmap "none" not found, secret "gone" not found]');
    refused({ projected: { sources: sources.slice(0, 2) } }, 'configmap "none" not found');
    t.same(filesOf({ configMap: { name: "none", optional: true } }), []);
    t.same(filesOf({ secret: { secretName: "login", optional: true, items } }), []);
  },
);

t.test("a later source of a projected volume goes before an earlier one", async (t) => {
  const sources = [
    { configMap: { name: "web", items: [{ key: "a", path: "a" }] } },
    { secret: { name: "login" } },
    { downwardAPI: { items: [{ path: "d/name", fieldRef: { fieldPath: "metadata.name" }, mode: 0o444 }] } },
  ];
  t.same(filesOf({ projected: { sources, defaultMode: 0o440 } }), [
    ["a", "secret", 0o440],
    ["user", "me", 0o440],
    ["d/name", "hello", 0o444],
  ]);
});

t.test("a file can't stand where another one needs a folder", async (t) => {
  const items = [
    { key: "a", path: "x/y" },
    { key: "b", path: "x" },
  ];
  t.throws(() => build({ configMap: { name: "web", items } }), {
    message: '"x" can\'t be both a file and the folder of "x/y"',
  });
});

t.test("labels and annotations are written as Go's %q has them", async (t) => {
  const items = [
    { path: "all", fieldRef: { fieldPath: "metadata.annotations" } },
    { path: "one", fieldRef: { fieldPath: "metadata.annotations['b']" } },
    { path: "none", fieldRef: { fieldPath: "metadata.labels" } },
  ];
  const annotations = { b: 'say "hi"\n\t\\ ü\u0007\u007f\u200b', a: "" };
  t.same(filesOf({ downwardAPI: { items } }, { annotations }), [
    ["all", 'a=""\nb="say \\"hi\\"\\n\\t\\\\ \xc3\xbc\\a\\x7f\\u200b"', 0o644],
    ["one", Buffer.from(annotations.b).toString("latin1"), 0o644],
    ["none", "", 0o644],
  ]);
});

t.test("fsGroup is the group of all of it", async (t) => {
  t.equal(build({ configMap: { name: "web" } }, {}, { securityContext: { fsGroup: 5 } })?.gid, 5);
});
