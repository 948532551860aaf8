import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { testStore } from "./fixtures.ts";

const pod = (name: string, namespace = "default", uid = `uid-${name}`) => ({
  kind: "Pod",
  metadata: { name, namespace, uid },
  spec: { containers: [{ name: "a" }] },
});

t.test("an object comes back as it was put, with its resourceVersion", async (t) => {
  const { store } = testStore(t);
  const stored = store.objects.put(pod("a"), { mode: "create" });
  t.equal(stored.metadata.resourceVersion, "1");
  t.same(store.objects.get("Pod", "default", "a"), stored);
});

t.test("every change takes a higher resourceVersion, deletions and other kinds too", async (t) => {
  const { store } = testStore(t);
  store.objects.put(pod("a"));
  store.objects.put({ ...pod("a"), kind: "Service" });
  store.objects.put(pod("a"), { durability: "normal" });
  t.equal(store.objects.delete("Pod", "default", "a")?.metadata.resourceVersion, "4");
  t.equal(store.objects.put(pod("b")).metadata.resourceVersion, "5");
  t.equal(store.objects.resourceVersion, "5");
});

t.test("creating what exists and updating what does not are refused, and change nothing", async (t) => {
  const { store } = testStore(t);
  store.objects.put(pod("a"));
  t.throws(() => store.objects.put(pod("a"), { mode: "create" }), {
    code: "AlreadyExists",
    message: 'pod "a" in namespace "default" exists already',
  });
  t.throws(() => store.objects.put(pod("b"), { mode: "update" }), { code: "NotFound" });
  t.equal(store.objects.resourceVersion, "1");
  t.equal(store.objects.list("Pod").length, 1);
});

t.test("an update of an older version is refused, one of the current version or of none is not", async (t) => {
  const { store } = testStore(t);
  const first = store.objects.put(pod("a"));
  const second = store.objects.put(first, { mode: "update" });
  t.throws(() => store.objects.put(first, { mode: "update" }), {
    code: "Conflict",
    message: /changed since it was read/,
  });
  store.objects.put(second, { mode: "update" });
  store.objects.put(pod("a"), { mode: "update" });
});

t.test("an update of an object that was made again under its name is refused", async (t) => {
  const { store } = testStore(t);
  store.objects.put(pod("a", "default", "new"));
  t.throws(() => store.objects.put(pod("a", "default", "old"), { mode: "update" }), { code: "Conflict" });
});

t.test("lists are of one kind, one namespace or all, in order", async (t) => {
  const { store } = testStore(t);
  for (const [name, namespace] of [
    ["b", "x"],
    ["a", "x"],
    ["c", "default"],
  ] as const)
    store.objects.put(pod(name, namespace));
  store.objects.put({ ...pod("z", "x"), kind: "Event" });
  const names = (namespace?: string) => store.objects.list("Pod", namespace).map(({ metadata }) => metadata.name);
  t.same(names(), ["c", "a", "b"]);
  t.same(names("x"), ["a", "b"]);
  t.same(names("nowhere"), []);
});

t.test("deleting what is not there is no error and no change", async (t) => {
  const { store } = testStore(t);
  t.equal(store.objects.delete("Pod", "default", "a"), undefined);
  t.equal(store.objects.resourceVersion, "0");
});

t.test("objects are there for the next daemon", async (t) => {
  const { store, open } = testStore(t);
  store.objects.put(pod("a"));
  store.objects.put(pod("b"), { durability: "normal" });
  // Not closed: a killed daemon closes nothing.
  t.equal(open().objects.list("Pod").length, 2);
});

t.test("a deletion may be as durable as a status, and flush brings both to the disk", async (t) => {
  const { store } = testStore(t);
  store.objects.put(pod("a"), { durability: "normal" });
  await store.objects.flush();
  t.equal(store.objects.delete("Pod", "default", "a", { durability: "normal" })?.metadata.resourceVersion, "2");
  await store.objects.flush();
  t.equal(store.objects.get("Pod", "default", "a"), undefined);
});

t.test("the databases can be read by their owner only: there are Secrets in them", async (t) => {
  const { store, config } = testStore(t);
  store.objects.put(pod("a"));
  for (const name of readdirSync(config.root).filter((file) => file.startsWith("state.db")))
    t.equal(statSync(join(config.root, name)).mode & 0o777, 0o600, name);
});
