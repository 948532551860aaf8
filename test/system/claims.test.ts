// Volumes that outlive their pods: PersistentVolumeClaims and ephemeral volumes.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { PersistentVolume, PersistentVolumeClaim } from "../../src/spec/index.ts";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

const claim = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
});

const podrun = startInstance(t);

/** Without a process: this is asked often. */
async function list<T>(path: string): Promise<readonly T[]> {
  return ((await podrun.request("GET", path)).body as { items: T[] }).items;
}

const claims = () => list<PersistentVolumeClaim>("/api/v1/namespaces/default/persistentvolumeclaims");
const volumes = () => list<PersistentVolume>("/api/v1/persistentvolumes");

const findClaim = async (name: string) => (await claims()).find(({ metadata }) => metadata.name === name);
const findVolume = async (name: string) => (await volumes()).find(({ metadata }) => metadata.name === name);

const message = async (pod: string) => (await podrun.pod(pod)).status.conditions?.[0]?.message;

/** A pod with a claim at /data. */
const user = (name: string, claimName: string, spec: Readonly<Record<string, unknown>> = {}, source: object = {}) =>
  makeManifest(name, [{ name: "main", volumeMounts: [{ name: "data", mountPath: "/data" }] }], {
    ...spec,
    volumes: [{ name: "data", persistentVolumeClaim: { claimName, ...source } }],
  });

const see = (pod: string, script: string) => podrun.ok("exec", pod, "--", "sh", "-c", script);

t.test("what a pod writes into a claim's volume the next pod finds, and it goes when the claim does", async (t) => {
  t.match(
    await podrun.ok("get", "sc", "--no-headers"),
    /^local \(default\) +podrun.io\/local +Delete +Immediate +true/,
  );
  const manifest = readFileSync(join(EXAMPLES, "persistent-volume-claim.yaml"), "utf8");
  t.match(await podrun.apply(manifest), { code: 0 });
  const name = "persistent-volume-claim";
  await podrun.untilPod(name, isReady);
  t.match(
    await podrun.ok("get", "pvc"),
    /^NAME +STATUS +VOLUME +CAPACITY +ACCESS MODES +STORAGECLASS .*\nnotes +Bound +pvc-[-0-9a-f]+ +100Mi +RWO +local /,
  );
  const volume = (await findClaim("notes"))?.spec.volumeName ?? "";
  t.match(
    await podrun.ok("get", "pv", "--no-headers"),
    new RegExp(`^${volume} +100Mi +RWO +Delete +Bound +default/notes +local `),
  );
  t.equal(await see(name, "stat -c '%a %g' /notes"), "2777 2000\n");
  t.match(await podrun.ok("describe", "pvc", "notes"), new RegExp(`Used By: +${name}\n`));
  await podrun.ok("delete", "pod", name);
  t.match(await podrun.apply(manifest), { code: 0, stdout: /persistentvolumeclaim\/notes unchanged/ });
  await podrun.untilPod(name, isReady);
  t.equal(await see(name, "wc -l < /notes/starts"), "2\n");
  // In use: it stays until the pod is gone.
  await podrun.ok("delete", "pvc", "notes", "--wait=false");
  t.match(await podrun.ok("get", "pvc", "--no-headers"), /^notes +Terminating /);
  t.match(await podrun.apply(user("late", "notes")), { code: 0 });
  t.match(await message("late"), /persistentvolumeclaim "notes" is being deleted/);
  await podrun.ok("delete", "pod", "late", name);
  await until(async () => (await volumes()).length === 0);
  t.same(readdirSync(join(podrun.config.root, "volumes")), []);
});

t.test("a pod waits for its claim, and for its turn where one pod at a time may have it", async (t) => {
  t.match(await podrun.apply(user("first", "one")), { code: 0 });
  t.match((await podrun.pod("first")).status.conditions?.[0], {
    type: "PodScheduled",
    status: "False",
    message: '0/1 nodes are available: persistentvolumeclaim "one" not found.',
  });
  await podrun.apply(claim("one", { accessModes: ["ReadWriteOncePod"] }));
  await podrun.untilPod("first", isReady);
  await podrun.apply(user("second", "one"));
  t.match(await message("second"), /ReadWriteOncePod access mode/);
  await podrun.ok("delete", "pod", "first");
  await podrun.untilPod("second", isReady);
  // No class: nothing is made, and a volume is waited for.
  await podrun.apply(claim("fixed", { storageClassName: "" }), user("third", "fixed", {}, { readOnly: true }));
  t.match(await message("third"), /unbound immediate PersistentVolumeClaims/);
  const folder = join(podrun.folder, "fixed");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "kept");
  const volume = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "fixed" },
    spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: folder } },
  };
  await podrun.apply(volume);
  await podrun.untilPod("third", isReady);
  t.equal(await see("third", "cat /data/file; touch /data/x 2>/dev/null || echo no"), "keptno\n");
  t.match(await podrun.ok("get", "pvc", "fixed", "--no-headers"), /^fixed +Bound +fixed +2Gi +RWO /);
  await podrun.ok("delete", "pv", "fixed", "--wait=false");
  t.match(await podrun.ok("get", "pv", "fixed", "--no-headers"), /Terminating +default\/fixed/);
  await podrun.ok("delete", "pod", "third", "second");
  await podrun.ok("delete", "pvc", "fixed", "one");
  await until(async () => (await findVolume("fixed")) === undefined);
  t.ok(existsSync(join(folder, "file")), "a volume that podrun has not made keeps what is in it");
});

t.test("a claim waits for its first pod where its class says so; a kept volume is released, not emptied", async (t) => {
  const kept = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "kept" },
    provisioner: "podrun.io/local",
    reclaimPolicy: "Retain",
    volumeBindingMode: "WaitForFirstConsumer",
  };
  await podrun.apply(kept, claim("lazy", { storageClassName: "kept" }));
  t.match((await findClaim("lazy"))?.status, { phase: "Pending" });
  t.match(await podrun.ok("describe", "pvc", "lazy"), /WaitForFirstConsumer .*waiting for first consumer/);
  await podrun.start(user("first", "lazy"));
  await see("first", "echo kept > /data/file");
  const volume = (await findClaim("lazy"))?.spec.volumeName ?? "";
  const path = (await findVolume(volume))?.spec.local?.path ?? "";
  t.match(await podrun.apply(claim("lazy", { resources: { requests: { storage: "2Gi" } } })), {
    code: 1,
    stderr: /storageclass that provisions the pvc must support resize/,
  });
  await podrun.ok("delete", "pod", "first");
  await podrun.ok("delete", "pvc", "lazy");
  await until(async () => (await findVolume(volume))?.status.phase === "Released");
  t.equal(readFileSync(join(path, "file"), "utf8"), "kept\n");
  await podrun.ok("delete", "pv", volume);
  t.ok(existsSync(path), "Retain: the object goes, the folder stays");
  await podrun.apply(claim("grows"));
  t.match(await podrun.apply(claim("grows", { resources: { requests: { storage: "3Gi" } } })), { code: 0 });
  await until(async () => (await findClaim("grows"))?.status.capacity?.storage === "3Gi");
  await podrun.ok("delete", "pvc", "grows");
  await podrun.ok("delete", "pod", "--all", "--now");
});

t.test("an ephemeral volume's claim is made with its pod and goes with it, and with its namespace", async (t) => {
  await podrun.apply(readFileSync(join(EXAMPLES, "ephemeral-volume.yaml"), "utf8"));
  await podrun.untilPod("ephemeral-volume", isReady);
  t.match(await podrun.ok("get", "pvc", "--no-headers"), /^ephemeral-volume-scratch +Bound +\S+ +1Gi /);
  await see("ephemeral-volume", "touch /scratch/file");
  await podrun.apply(claim("taken-data"));
  const spec = { volumes: [{ name: "data", ephemeral: { volumeClaimTemplate: { spec: claim("x").spec } } }] };
  await podrun.apply(makeManifest("taken", undefined, spec));
  t.match(await message("taken"), /pod is not owner/);
  await podrun.ok("delete", "pod", "ephemeral-volume", "taken");
  await until(async () => (await findClaim("ephemeral-volume-scratch")) === undefined);
  await podrun.ok("delete", "pvc", "taken-data");
  await until(async () => (await volumes()).length === 0);
  await podrun.ok("create", "namespace", "going");
  const pod = { ...makeManifest("one", undefined, spec), metadata: { name: "one", namespace: "going" } };
  await podrun.apply(pod);
  await until(async () => (await volumes()).some(({ status }) => status.phase === "Bound"));
  await podrun.ok("delete", "namespace", "going");
  t.equal(await podrun.ok("get", "pvc", "-A"), "");
});

t.test("an fsGroup gets what is in a claim's volume, and no link leads it out", async (t) => {
  await podrun.apply(claim("shared"));
  await podrun.start(user("first", "shared"));
  const outside = join(podrun.folder, "outside");
  writeFileSync(outside, "", { mode: 0o600 });
  await see(
    "first",
    `mkdir -m 700 /data/deep; echo x > /data/deep/file; chmod 600 /data/deep/file; ln -s ${outside} /data/link; ln -s / /data/root; mkfifo /data/fifo`,
  );
  await podrun.ok("delete", "pod", "first");
  await podrun.start(user("second", "shared", { securityContext: { fsGroup: 3000, runAsUser: 1000 } }));
  t.equal(await see("second", "stat -c '%a %g' /data /data/deep /data/deep/file"), "2777 3000\n2770 3000\n660 3000\n");
  t.match(statSync(outside), { gid: 0, mode: 0o100600 });
  t.equal(statSync("/").gid, 0);
  await see("second", "umask 077; mkdir /data/late");
  await podrun.ok("delete", "pod", "second");
  const securityContext = { fsGroup: 3000, fsGroupChangePolicy: "OnRootMismatch" };
  await podrun.start(user("third", "shared", { securityContext }));
  t.equal(
    await see("third", "stat -c %a /data/late"),
    "2700\n",
    "the root is the group's already: all is left as it is",
  );
});

t.test(
  "a daemon that is killed while a volume is made, bound or removed is followed by one that goes on",
  async (t) => {
    const faulty = startInstance(t, { faults: true });
    const phase = async () => (await faulty.podrun("get", "pvc", "killed", "-o", "jsonpath={.status.phase}")).stdout;
    for (const step of ["claim.volume-recorded", "claim.volume-bound", "claim.bound"]) {
      await faulty.ok("get", "pvc");
      faulty.fault(`${step}#1:kill`);
      await faulty.apply(claim("killed"));
      faulty.fault("");
      await until(async () => (await phase()) === "Bound");
      t.equal(readdirSync(join(faulty.config.root, "volumes")).length, 1, step);
      faulty.fault(`claim.reclaim${step === "claim.bound" ? "ed" : ""}:kill`);
      await faulty.podrun("delete", "pvc", "killed", "--wait=false");
      faulty.fault("");
      await until(async () => (await faulty.podrun("get", "pv")).stdout === "");
      t.same(readdirSync(join(faulty.config.root, "volumes")), [], step);
    }
  },
);
