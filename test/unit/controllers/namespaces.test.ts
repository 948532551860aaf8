import { join } from "node:path";
import t, { type Test } from "tap";
import { Logger } from "../../../src/base/logger.ts";
import { Namespaces } from "../../../src/controllers/namespaces.ts";
import { KeptObjects } from "../../../src/pod/objects.ts";
import { decodeKubeObject, type Namespace, type Secret } from "../../../src/spec/index.ts";
import { Database } from "../../../src/store/database.ts";
import { Objects } from "../../../src/store/objects.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { makePod, makeWorld, settle, until } from "../pod/fixtures.ts";

const namespace = (name: string, metadata: object = {}): Namespace =>
  decodeKubeObject({ apiVersion: "v1", kind: "Namespace", metadata: { name, ...metadata } }) as Namespace;

const secret = (name: string, at: string): Secret =>
  decodeKubeObject({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: at } }) as Secret;

function makeKept(t: Test) {
  const root = t.testdir();
  const database = new Database(join(root, "objects.db"), "normal", STATE_MIGRATIONS);
  t.teardown(() => database.close());
  const world = makeWorld(root);
  const objects = new KeptObjects(new Objects(database, database), () => world.timers.now());
  const make = (pods = world.pods) =>
    new Namespaces({ objects, pods, log: new Logger({ write: () => undefined }), timers: world.timers });
  const controller = make();
  t.teardown(() => controller.stop());
  const names = () => objects.list("Namespace").map(({ metadata }) => metadata.name);
  return { ...world, objects, controller, make, names };
}

t.test(
  "default and kube-system are always there, and each namespace that is in use already gets its object",
  async (t) => {
    const { objects, controller, names, pods } = makeKept(t);
    await pods.create(makePod({}, { namespace: "older" }));
    controller.start();
    t.same(names(), ["default", "kube-system", "older"]);
    t.match(objects.get("Namespace", "", "default"), {
      metadata: { labels: { "kubernetes.io/metadata.name": "default" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
    for (const name of ["default", "kube-system"])
      t.throws(() => objects.delete("Namespace", "", name), {
        code: "Forbidden",
        message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      });
  },
);

t.test("nothing may be put into a namespace that does not exist", async (t) => {
  const { objects } = makeKept(t);
  const missing = { code: "NotFound", message: 'namespaces "x" not found' };
  t.throws(() => objects.create(secret("a", "x")), missing);
  t.throws(() => objects.create(secret("a", "x"), { dryRun: true }), missing);
  objects.create(namespace("x"));
  objects.create(secret("a", "x"));
  t.throws(() => objects.create(namespace("x")), { code: "AlreadyExists" });
});

t.test("a namespace that is deleted is Terminating until its last pod has ended, then all of it is gone", async (t) => {
  const { objects, controller, names, pods, runtime } = makeKept(t);
  controller.start();
  objects.create(namespace("x"));
  objects.create(secret("a", "x"));
  objects.create(secret("b", "default"));
  await pods.create(makePod({ terminationGracePeriodSeconds: 5 }, { namespace: "x" }));
  await settle();
  const deleted = objects.delete("Namespace", "", "x");
  t.match(deleted, { status: { phase: "Terminating" }, metadata: { deletionTimestamp: /Z$/ } });
  t.same(objects.delete("Namespace", "", "x"), deleted, "a second deletion changes nothing");
  t.throws(() => objects.create(secret("c", "x")), {
    code: "Forbidden",
    message: "unable to create new content in namespace x because it is being terminated",
  });
  const relabelled = objects.replace(namespace("x", { labels: { a: "b" } }));
  t.match(relabelled, { status: { phase: "Terminating" }, metadata: { deletionTimestamp: /Z$/, labels: { a: "b" } } });
  await until(() => !names().includes("x"));
  t.same(pods.list(), []);
  t.ok(runtime.calls.some((call) => call.startsWith("removeSandbox")));
  t.same(
    objects.list("Secret").map(({ metadata }) => metadata.name),
    ["b"],
  );
});

t.test("a daemon that comes anew goes on with a namespace that is going", async (t) => {
  const { objects, names, pods, make, reborn } = makeKept(t);
  objects.create(namespace("x"));
  objects.create(secret("a", "x"));
  await pods.create(makePod({}, { namespace: "x" }));
  await settle();
  objects.delete("Namespace", "", "x");
  t.ok(names().includes("x"), "nobody was there to do it");
  pods.stop();
  const next = reborn();
  next.recover();
  const controller = make(next);
  t.teardown(() => controller.stop());
  controller.start();
  await until(() => !names().includes("x"));
  t.same(objects.list("Secret"), []);
  t.same(next.list(), []);
});

t.test("a namespace's manifest may say nothing that a namespace has not", async (t) => {
  t.throws(() => namespace("a.b"), { code: "InvalidObject", message: /metadata\.name/ });
  t.throws(() => namespace("x", { namespace: "y" }), {
    code: "UnsupportedField",
    message: /metadata\.namespace: has no meaning in podrun: a namespace lies in none/,
  });
  const raw = { apiVersion: "v1", kind: "Namespace", metadata: { name: "x" } };
  t.throws(() => decodeKubeObject({ ...raw, spec: { finalizers: ["example.com/x"] } }), { message: /finalizers\[0\]/ });
  t.match(decodeKubeObject({ ...raw, spec: { finalizers: ["kubernetes"] }, status: { phase: "Terminating" } }), {
    status: { phase: "Active" },
  });
});
