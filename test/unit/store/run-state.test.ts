import { readdirSync } from "node:fs";
import t from "tap";
import { testStore } from "./fixtures.ts";

t.test("records come back as they were put last, for the next daemon too", async (t) => {
  const { store, open } = testStore(t);
  store.sandboxes.put({ id: "s" });
  const record = { id: "c1", state: "running", nested: { pid: 7 } };
  store.containers.put({ ...record, state: "starting" } as { id: string });
  store.containers.put(record);
  const next = open();
  t.same(next.containers.list(), [record]);
  t.same(next.sandboxes.get("s"), { id: "s" });
  t.same([next.containers.delete("c1"), next.containers.delete("c1")], [true, false]);
  t.same(store.containers.list(), []);
});

t.test("after a reboot no sandbox and no container is there, and the old file is gone", async (t) => {
  const { store, open, config } = testStore(t);
  store.sandboxes.put({ id: "s" });
  store.objects.put({ kind: "Pod", metadata: { name: "a", uid: "u" } });
  store.close();
  const next = open("00000000-0000-0000-0000-000000000000");
  t.same(next.sandboxes.list(), []);
  t.equal(next.objects.list("Pod").length, 1, "objects survive");
  t.notOk(readdirSync(config.run).some((name) => name.endsWith(".db") && !name.includes("0000-0000")));
});
