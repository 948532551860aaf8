// What becomes of a volume's folder and its object when its claim goes.
import { existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import t, { type Test } from "tap";
import { Logger } from "../../../src/base/logger.ts";
import { unfinished } from "../../../src/pod/claims/bind.ts";
import { Claims } from "../../../src/pod/claims/claims.ts";
import { StorageObjects } from "../../../src/pod/claims/storage.ts";
import { EventRecorder } from "../../../src/pod/events.ts";
import { KeptObjects } from "../../../src/pod/objects.ts";
import type { KeptObject } from "../../../src/pod/types.ts";
import { decodeKubeObject, type PersistentVolume } from "../../../src/spec/index.ts";
import { Database } from "../../../src/store/database.ts";
import { Objects, type PutOptions, type StoredObject, type Versioned } from "../../../src/store/objects.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { ManualTimers, settle, until } from "./fixtures.ts";

/** As claims.ts has it. */
const RETRY_MILLIS = 5000;

/** Remembers the phases that volumes were recorded in; `refused`: for these the disk is full. */
class Disk extends Objects {
  readonly phases: string[] = [];
  refused = "";

  override put<T extends StoredObject>(object: T, options: PutOptions = {}): Versioned<T> {
    if (object.kind === "PersistentVolume") {
      const { phase = "" } = (object as unknown as PersistentVolume).status;
      if (phase === this.refused) throw new Error("the disk is full");
      // Else who writes without end would end with the memory, without a word.
      if (this.phases.length > 100) throw new Error("volumes are written without end");
      this.phases.push(phase);
    }
    return super.put(object, options);
  }
}

function makeClaims(t: Test) {
  const root = t.testdir({ volumes: {} });
  const database = new Database(join(root, "objects.db"), "normal", STATE_MIGRATIONS);
  const disk = new Disk(database, database);
  const timers = new ManualTimers();
  const log: string[] = [];
  const objects = new KeptObjects(disk);
  objects.ensureNamespaces(["default"]);
  const claims = new Claims({
    root,
    node: { name: "node", labels: {} },
    objects,
    storage: new StorageObjects(objects),
    events: new EventRecorder({ host: "node" }),
    log: new Logger({ write: (line) => log.push(line) }),
    timers,
  });
  claims.start({ list: () => [], watch: () => () => undefined });
  t.teardown(() => {
    claims.stop();
    database.close();
  });
  const create = (raw: object): KeptObject => objects.create(decodeKubeObject(raw) as KeptObject);
  const volume = (name: string, spec: object = {}) =>
    create({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: {
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        local: { path: join(root, "volumes", name) },
        persistentVolumeReclaimPolicy: "Delete",
        ...spec,
      },
    });
  const claim = (name: string, volumeName: string) =>
    create({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        storageClassName: "",
        volumeName,
      },
    });
  const find = (name: string) => objects.find("PersistentVolume", "", name);
  return { root, disk, timers, log, objects, volume, claim, find };
}

/** Its claim is gone. */
const RELEASED = { claimRef: { namespace: "default", name: "gone", uid: "u" } };

/** As the folder of all volumes a link that leads to itself: nothing below it can be looked at. The result takes it away. */
function breakVolumes(root: string): () => void {
  const folder = join(root, "volumes");
  rmdirSync(folder);
  symlinkSync("volumes", folder);
  return () => unlinkSync(folder);
}

t.test("a volume that can't be removed is recorded as Failed once, and tried again after a while", async (t) => {
  const { root, disk, timers, find, volume } = makeClaims(t);
  const mend = breakVolumes(root);
  volume("v", RELEASED);
  await settle();
  t.same(disk.phases, ["Pending", "Released", "Failed"]);
  t.match(find("v")?.status, { phase: "Failed", reason: "VolumeFailedDelete", message: /ELOOP/ });
  await timers.advance(2 * RETRY_MILLIS);
  t.same(disk.phases, ["Pending", "Released", "Failed"], "nothing has changed, so nothing is written");
  mend();
  await timers.advance(RETRY_MILLIS - 1);
  t.ok(find("v"), "not before its time");
  await timers.advance(1);
  await until(() => find("v") === undefined);
});

t.test(
  "a volume whose failure can't be recorded either is told of in the log, and tried again all the same",
  async (t) => {
    const { root, disk, log, timers, find, volume } = makeClaims(t);
    const mend = breakVolumes(root);
    disk.refused = "Failed";
    volume("v", RELEASED);
    await settle();
    t.match(log.join(""), /failed removal can't be recorded: the disk is full/);
    t.match(find("v")?.status, { phase: "Released" });
    mend();
    await timers.advance(RETRY_MILLIS);
    await until(() => find("v") === undefined);
  },
);

t.test("a volume that fails is retained if its owner says so meanwhile", async (t) => {
  const { root, timers, find, objects, volume } = makeClaims(t);
  const mend = breakVolumes(root);
  volume("v", RELEASED);
  await settle();
  const failed = find("v") as PersistentVolume;
  objects.replace({ ...failed, spec: { ...failed.spec, persistentVolumeReclaimPolicy: "Retain" } });
  await settle();
  t.match(find("v")?.status, { phase: "Released" });
  mend();
  const file = join(root, "volumes", "v", "file");
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  await timers.advance(3 * RETRY_MILLIS);
  t.ok(existsSync(file) && find("v"));
});

t.test("no volume's folder is made from, or removed with, that of another whose name goes on with .new", async (t) => {
  const { root, find, objects, volume, claim } = makeClaims(t);
  const other = join(root, "volumes", "a.new", "file");
  mkdirSync(join(other, ".."));
  writeFileSync(other, "");
  volume("a.new", { persistentVolumeReclaimPolicy: "Retain" });
  volume("a");
  claim("c", "a");
  await settle();
  t.match(find("a")?.status, { phase: "Bound" });
  t.same(readdirSync(join(root, "volumes")).sort(), ["a", "a.new"]);
  t.same(readdirSync(join(root, "volumes", "a")), []);
  t.ok(existsSync(other));
  objects.delete("PersistentVolumeClaim", "default", "c");
  await until(() => find("a") === undefined);
  t.same(readdirSync(join(root, "volumes")), ["a.new"]);
  t.ok(existsSync(other));
});

t.test("what a folder is called while it is made is a file's name, and no volume's", async (t) => {
  const { volume } = makeClaims(t);
  const longest = [63, 63, 63, 61].map((length) => "a".repeat(length)).join(".");
  t.equal(longest.length, 253);
  volume(longest, { persistentVolumeReclaimPolicy: "Retain" });
  const name = basename(unfinished(join("/volumes", longest)));
  t.ok(name.length <= 255);
  t.throws(() => volume(basename(unfinished("/volumes/a"))), { message: /metadata\.name/ });
});
