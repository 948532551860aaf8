import t from "tap";
import { fieldsOf, mergeApplied } from "../../../src/api/apply-merge.ts";

t.test("what a manifest has no longer goes, what others have put there stays", async (t) => {
  const first = { data: { a: "1", b: "2" }, metadata: { labels: { app: "web" } } };
  const live = { data: { a: "1", b: "9", c: "others'" }, metadata: { name: "x", labels: { app: "web", own: "y" } } };
  t.same(mergeApplied(live, { data: { a: "3" } }, fieldsOf(first)), {
    data: { a: "3", c: "others'" },
    metadata: { name: "x", labels: { own: "y" } },
  });
  t.match(mergeApplied(live, { metadata: { labels: { app: "web" } } }, fieldsOf(first)), { data: { c: "others'" } });
  t.equal(live.data.b, "9", "the object itself is not changed");
});

t.test("without a manifest before nothing goes, and null takes away what is there", async (t) => {
  t.same(mergeApplied({ data: { a: "1", b: "2" } }, { data: { a: null, c: "3" } }, undefined), {
    data: { b: "2", c: "3" },
  });
});

t.test("a map that is left empty goes; a field with defaults in it goes as a whole", async (t) => {
  t.same(mergeApplied({ data: { a: "1" } }, {}, fieldsOf({ data: { a: "1" } })), {});
  const live = { spec: { resources: { limits: { cpu: "1" }, requests: { cpu: "1" } }, image: "x" } };
  t.same(mergeApplied(live, { spec: { image: "x" } }, fieldsOf({ spec: { resources: { limits: {} }, image: "x" } })), {
    spec: { image: "x" },
  });
});

t.test("elements are found by their keys; lists without one are taken as they are", async (t) => {
  const live = { containers: [{ name: "a", image: "1", pull: "Always" }, { name: "b" }, { name: "other" }] };
  const before = fieldsOf({ containers: [{ name: "a", image: "1" }, { name: "b" }] });
  t.same(mergeApplied(live, { containers: [{ name: "c" }, { name: "a", image: "2" }] }, before), {
    containers: [{ name: "c" }, { name: "a", image: "2", pull: "Always" }, { name: "other" }],
  });
  t.same(mergeApplied({ args: ["a", "b"] }, { args: ["c"] }, fieldsOf({ args: ["a"] })), { args: ["c"] });
  t.same(mergeApplied({ env: [{ name: "a" }, { name: "b" }] }, {}, fieldsOf({ env: [{ name: "a" }] })), {
    env: [{ name: "b" }],
  });
});

t.test("names that JavaScript has itself are names like others", async (t) => {
  const manifest = JSON.parse('{"data":{"__proto__":"x","constructor":"y","toString":"z"}}');
  const merged = mergeApplied({ data: {} }, manifest, undefined);
  t.equal(JSON.stringify(merged), JSON.stringify(manifest));
  t.same(mergeApplied(merged, { data: { own: "1" } }, fieldsOf(manifest)), { data: { own: "1" } });
});

t.test("the record has names and keys, and no value", async (t) => {
  t.same(fieldsOf({ data: { password: "geheim" }, list: ["geheim"], containers: [{ name: "web", env: null }] }), {
    "f:data": { "f:password": {} },
    "f:list": {},
    "f:containers": { 'k:{"name":"web"}': { "f:name": {} } },
  });
});
