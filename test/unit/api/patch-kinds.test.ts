// What each kind of patch makes of an object.
import t from "tap";
import { jsonPatch } from "../../../src/api/json-patch.ts";
import { strategicMerge } from "../../../src/api/strategic-merge.ts";

t.test("a JSON patch is RFC 6902's", async (t) => {
  // The appendix' cases.
  for (const [target, patch, want] of [
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { foo: "bar", baz: "qux" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [{ foo: ["a", "b", "c"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["a", "c"] }],
    [{ baz: "qux" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo" }],
    [{ a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
    [{ l: [1, 2, 3] }, [{ op: "move", from: "/l/0", path: "/l/2" }], { l: [2, 3, 1] }],
    [{ a: { x: 1 } }, [{ op: "copy", from: "/a", path: "/b" }], { a: { x: 1 }, b: { x: 1 } }],
    [{ a: [1, "2"] }, [{ op: "test", path: "/a/1", value: "2" }], { a: [1, "2"] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-", value: [2] }], { a: [1, [2]] }],
    [{ "a/b": { "m~n": 1 } }, [{ op: "replace", path: "/a~1b/m~0n", value: 2 }], { "a/b": { "m~n": 2 } }],
    [{ a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    [{ a: null }, [{ op: "test", path: "/a", value: null }], { a: null }],
  ] as const) {
    const before = structuredClone(target);
    t.same(jsonPatch(target, patch), want, JSON.stringify(patch));
    t.same(target, before, "the object itself is not changed");
  }
});

t.test("a JSON patch that does not fit changes nothing, and says which operation it was", async (t) => {
  const object = { a: { b: 1 }, l: [1] };
  for (const [operation, text] of [
    [{ op: "remove", path: "/x" }, /operation 1: there is no \/x/],
    [{ op: "replace", path: "/x", value: 1 }, /there is no \/x/],
    [{ op: "add", path: "/x/y", value: 1 }, /there is no \/x/],
    [{ op: "add", path: "/l/3", value: 1 }, /want a place in the list, 0 to 1/],
    [{ op: "add", path: "/l/01", value: 1 }, /want a place in the list/],
    [{ op: "test", path: "/a/b", value: 2 }, /test of \/a\/b: it is another/],
    [{ op: "move", from: "/a", path: "/a/b/c" }, /can't be moved into itself/],
    [{ op: "remove", path: "" }, /whole object can't be removed/],
    [{ op: "remove", path: "/a/toString" }, /there is no/],
  ] as const)
    t.throws(() => jsonPatch(object, [{ op: "add", path: "/new", value: 1 }, operation]), {
      code: "InvalidObject",
      message: text,
    });
  for (const [patch, text] of [
    [{}, /list of operations/],
    [["x"], /operation 0: want an object/],
    [[{ op: "frob", path: "/a" }], /op is "frob": want add/],
    [[{ op: "add", path: "/a" }], /needs a value/],
    [[{ op: "remove", path: "a" }], /want a JSON pointer/],
    [[{ op: "copy", path: "/a" }], /from is undefined: want a JSON pointer/],
  ] as const)
    t.throws(() => jsonPatch(object, patch), { code: "BadRequest", message: text });
  t.same(object, { a: { b: 1 }, l: [1] });
  const polluted = jsonPatch({}, [{ op: "add", path: "/__proto__", value: { x: 1 } }]) as object;
  t.equal(Object.getPrototypeOf(polluted), Object.prototype);
});

t.test("copies of a JSON patch are limited in sum", async (t) => {
  const copies = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ op: "copy", from: "", path: `/a${index}` }));
  const copied = jsonPatch({ text: "x".repeat(1000) }, copies(3)) as Record<string, unknown>;
  t.same(Object.keys(copied), ["text", "a0", "a1", "a2"]);
  t.throws(() => jsonPatch({ text: "x".repeat(1000) }, copies(15)), {
    code: "InvalidObject",
    message: /operation 11: more than 3145728 bytes of copies/,
  });
  const big = { text: "ä".repeat(1_000_000) };
  const twice = [0, 1].map((index) => ({ op: "copy", from: "/text", path: `/${index}` }));
  t.same(Object.keys(jsonPatch(big, twice.slice(1)) as object), ["1", "text"]);
  t.throws(() => jsonPatch(big, twice), { message: /operation 1: more than/ }, "bytes are counted");
});

const POD = {
  metadata: { labels: { a: "1" }, finalizers: ["one"] },
  spec: {
    containers: [
      { name: "a", image: "a:1", env: [{ name: "X", value: "1" }], args: ["1", "2"] },
      { name: "b", image: "b:1" },
    ],
    volumes: [{ name: "v", emptyDir: {} }],
    tolerations: [{ key: "k" }],
  },
};
const merged = (patch: object) => strategicMerge(POD, patch) as typeof POD;

t.test("a strategic patch merges lists by their elements' names, and replaces the others", async (t) => {
  const { spec } = merged({
    spec: {
      containers: [
        { name: "b", image: "b:2" },
        { name: "c" },
        { name: "a", env: [{ name: "Y", value: "2" }], args: ["3"] },
      ],
      tolerations: [{ key: "other" }],
    },
  });
  t.same(spec.containers, [
    { name: "b", image: "b:2" },
    { name: "c" },
    {
      name: "a",
      image: "a:1",
      env: [
        { name: "Y", value: "2" },
        { name: "X", value: "1" },
      ],
      args: ["3"],
    },
  ]);
  t.same(spec.tolerations, [{ key: "other" }]);
  t.same(merged({ metadata: { labels: { a: null, b: "2" } } }).metadata.labels, { b: "2" });
  t.same(merged({ metadata: { finalizers: ["two", "one"] } }).metadata.finalizers, ["two", "one"]);
  t.same(merged({}), POD);
});

t.test("directives of a strategic patch do what Kubernetes says", async (t) => {
  const containers = (...list: object[]) =>
    merged({ spec: { containers: list } }).spec.containers.map(({ name }) => name);
  t.same(containers({ name: "a", $patch: "delete" }), ["b"]);
  t.same(containers({ $patch: "replace" }, { name: "z" }), ["z"]);
  t.same(merged({ spec: { $patch: "replace", hostname: "x" } }).spec, { hostname: "x" });
  t.same(merged({ metadata: { "$deleteFromPrimitiveList/finalizers": ["one"] } }).metadata.finalizers, []);
  const ordered = merged({ spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] } });
  t.same(
    ordered.spec.containers.map(({ name }) => name),
    ["b", "a"],
  );
  const volume = { name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } };
  t.same(merged({ spec: { volumes: [volume] } }).spec.volumes, [{ name: "v", hostPath: { path: "/x" } }]);
  t.throws(() => merged({ spec: { containers: [{ image: "x" }] } }), {
    message: /spec.containers: each element needs its name/,
  });
  t.throws(() => merged({ spec: { $patch: "frob" } }), { message: /spec: \$patch is "frob"/ });
  t.throws(() => merged({ spec: { "$else/x": [] } }), { message: /there is no directive \$else\/x/ });
  t.throws(() => merged({ spec: { "$setElementOrder/containers": {} } }), { message: /is no list/ });
});

/** Each look at one counts. */
function countedNames(count: number, looks: { count: number }): object[] {
  return Array.from({ length: count }, (_, index) => ({
    get name() {
      looks.count++;
      return `n${index}`;
    },
  }));
}

t.test("a strategic patch looks at each element a few times, however long the list is", async (t) => {
  const looks = { count: 0 };
  const env = countedNames(1000, looks);
  const changes = Array.from({ length: 1000 }, (_, index) => ({ name: `n${index}`, value: "1" }));
  t.same(strategicMerge({ env }, { env: changes.toReversed() }), { env: changes.toReversed() });
  t.ok(looks.count < 5000, `${looks.count} looks to merge`);
  looks.count = 0;
  const sorted = strategicMerge({ env }, { "$setElementOrder/env": changes.toReversed() }) as { env: object[] };
  t.ok(looks.count < 5000, `${looks.count} looks to sort`);
  t.ok(sorted.env.every((one, index) => one === env[999 - index]));
});

t.test("elements of the same name: the first is merged, all are deleted, and a new one comes first", async (t) => {
  const ports = [{ containerPort: 53, protocol: "UDP" }, { containerPort: 80 }, { containerPort: 53, protocol: "TCP" }];
  const patched = (...changes: object[]) => (strategicMerge({ ports }, { ports: changes }) as { ports: unknown }).ports;
  t.same(patched({ containerPort: 53, name: "dns" }), [{ ...ports[0], name: "dns" }, ports[2], ports[1]]);
  t.same(patched({ containerPort: 53, $patch: "delete" }), [ports[1]]);
  t.same(patched({ containerPort: 53, $patch: "delete" }, { containerPort: 53 }), [{ containerPort: 53 }, ports[1]]);
  t.same(patched({ containerPort: 9 }, { containerPort: 9, name: "x" }), [
    { containerPort: 9, name: "x" },
    ports[0],
    ports[2],
    ports[1],
  ]);
});

t.test("a patch that merges the same big element again and again is refused", async (t) => {
  const env = Array.from({ length: 3000 }, (_, index) => ({ name: `n${index}` }));
  const again = { name: "a", env: [{ name: "n0" }] };
  t.throws(() => strategicMerge({ containers: [{ name: "a", env }] }, { containers: Array(3000).fill(again) }), {
    code: "BadRequest",
    message: /containers\["a"\].env: it names the same elements too often/,
  });
  t.doesNotThrow(() => strategicMerge({ containers: [{ name: "a", env }] }, { containers: Array(100).fill(again) }));
});
