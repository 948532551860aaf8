// What a full, a read-only and a damaged state folder do: with real mounts, so as root.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { Database } from "../../src/store/database.ts";
import { Store } from "../../src/store/index.ts";

const numbers = {
  name: "test",
  first: 2,
  last: 6,
  at: (n: number) => ({ ip4: `10.0.0.${n}`, ip6: `fd00::${n}`, linkIndex: n, linkName: `t${n}` }),
};
const pod = (name: string, text = "") => ({ kind: "Pod", metadata: { name, uid: name }, text });

function stateFolder(t: { teardown(fn: () => void): void }, mountOptions?: string) {
  const folder = mkdtempSync(join(tmpdir(), "podrun-state-"));
  const root = join(folder, "root");
  mkdirSync(root);
  if (mountOptions !== undefined) execFileSync("mount", ["-t", "tmpfs", "-o", mountOptions, "tmpfs", root]);
  t.teardown(() => {
    if (mountOptions !== undefined) execFileSync("umount", ["-l", root]);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    root,
    database: join(root, "state.db"),
    open: () => new Store({ config: { root, run: join(folder, "run") }, numbers }),
  };
}

t.test("a full file system: the change is refused, names the folder, and loses nothing", async (t) => {
  const { root, open } = stateFolder(t, "size=400k");
  const store = open();
  store.objects.put(pod("a"));
  const fill = () => {
    for (let i = 0; i < 200; i++) store.objects.put(pod(`big${i}`, "x".repeat(20_000)));
  };
  t.throws(fill, { code: "StateUnavailable", message: `the state in ${root} cannot be written` });
  t.equal(store.objects.get("Pod", "", "a")?.metadata.name, "a");
  t.equal(open().objects.get("Pod", "", "a")?.metadata.name, "a", "also for the next daemon");
});

t.test("room again: the same store goes on", async (t) => {
  const { root, open } = stateFolder(t, "size=1m");
  const store = open();
  writeFileSync(join(root, "hog"), Buffer.alloc(64 << 10));
  t.throws(
    () => {
      for (let i = 0; i < 200; i++) store.objects.put(pod(`big${i}`, "x".repeat(20_000)));
    },
    { code: "StateUnavailable" },
  );
  const before = store.objects.list("Pod").length;
  rmSync(join(root, "hog"));
  store.objects.put(pod("after"));
  t.equal(store.objects.list("Pod").length, before + 1);
});

t.test("no room for the database at all", async (t) => {
  const { root, open } = stateFolder(t, "size=64k");
  execFileSync("sh", ["-c", `dd if=/dev/zero of=${root}/hog bs=4k 2>/dev/null || true`]);
  t.throws(open, { code: "StateUnavailable", message: root });
});

t.test("a read-only state folder is said to be one", async (t) => {
  const { root, open } = stateFolder(t, "size=1m");
  const store = open();
  store.objects.put(pod("a"));
  store.close();
  execFileSync("mount", ["-o", "remount,ro", root]);
  t.throws(open, { code: "StateUnavailable", message: new RegExp(`${root}.*read-only`) });
  execFileSync("mount", ["-o", "remount,rw", root]);
  t.equal(open().objects.list("Pod").length, 1);
});

t.test("a state folder that cannot be made on a read-only file system is said to be that", async (t) => {
  const { root } = stateFolder(t, "ro");
  const open = () => new Store({ config: { root: join(root, "a/b"), run: join(root, "run") }, numbers });
  t.throws(open, { code: "StateUnavailable", message: new RegExp(`${root}/a/b.*read-only`) });
});

t.test("a file in the place of the state folder is named", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "podrun-state-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "root"), "");
  const open = () => new Store({ config: { root: join(folder, "root"), run: join(folder, "run") }, numbers });
  t.throws(open, { code: "StateUnavailable", message: /move it away/ });
});

t.test("a database that is none is named, with what to do, and is left as it is", async (t) => {
  const { database, open } = stateFolder(t);
  writeFileSync(database, "this is not a database, but long enough to be looked at as one ".repeat(20));
  t.throws(open, { code: "StateCorrupt", message: new RegExp(`${database} is damaged.*mv ${database}`) });
  t.match(readFileSync(database, "utf8"), /^this is not/);
});

t.test("damage in the middle is found when the daemon starts", async (t) => {
  const { database, open } = stateFolder(t);
  const store = open();
  for (let i = 0; i < 50; i++) store.objects.put(pod(`p${i}`, "x".repeat(2000)));
  store.close();
  const bytes = readFileSync(database);
  t.equal(existsSync(`${database}-wal`), false, "all is in the database file");
  bytes.fill(0xa5, 4096 * 3, 4096 * 12);
  writeFileSync(database, bytes);
  t.throws(open, { code: "StateCorrupt", message: database });
});

t.test("a database that was cut short is found", async (t) => {
  const { database, open } = stateFolder(t);
  const store = open();
  for (let i = 0; i < 50; i++) store.objects.put(pod(`p${i}`, "x".repeat(2000)));
  store.close();
  truncateSync(database, 4096 * 5);
  t.throws(open, { code: "StateCorrupt" });
});

t.test("a database of a newer podrun is left alone", async (t) => {
  const { database } = stateFolder(t);
  new Database(database, "full", ["CREATE TABLE a (x)", "CREATE TABLE b (x)"]).close();
  t.throws(() => new Database(database, "full", ["CREATE TABLE a (x)"]), {
    code: "StateUnavailable",
    message: /newer podrun/,
  });
});

t.test("a database of an older podrun gets the steps that it lacks, once", async (t) => {
  const { database } = stateFolder(t);
  const steps = ["CREATE TABLE a (x); INSERT INTO a VALUES (1)", "UPDATE a SET x = x + 1"];
  new Database(database, "full", steps.slice(0, 1)).close();
  for (let i = 0; i < 2; i++) {
    const opened = new Database(database, "full", steps);
    t.equal(opened.prepare("SELECT x FROM a").get()?.["x"], 2);
    opened.close();
  }
});
