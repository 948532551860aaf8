// Mount propagation and recursive read-only of hostPath volumes. All mounts of the host's lie below a folder of the test's.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Instance, makeManifest, startInstance, until } from "./support/podrun.ts";

/** A tmpfs with this propagation, taken away at the end with all that is mounted there. */
function mountPoint(podrun: Instance, propagation: "shared" | "private"): string {
  const folder = join(podrun.folder, `mount-${propagation}`);
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder]);
  execFileSync("mount", [`--make-${propagation}`, folder]);
  podrun.afterwards.push(() => execFileSync("umount", ["-R", folder]));
  for (const name of ["early", "late", "inside"]) mkdirSync(join(folder, name));
  execFileSync("mount", ["-t", "tmpfs", "early", join(folder, "early")]);
  writeFileSync(join(folder, "early/file"), "");
  return folder;
}

const pod = (name: string, path: string, mount: object, container: object = {}) =>
  makeManifest(name, [{ name: "main", volumeMounts: [{ name: "host", mountPath: "/host", ...mount }], ...container }], {
    volumes: [{ name: "host", hostPath: { path, type: "Directory" } }],
  });
const see = (podrun: Instance, name: string, script: string) => podrun.ok("exec", name, "--", "sh", "-c", script);

t.test("HostToContainer gets the host's later mounts, None does not, and neither gives any back", async (t) => {
  const podrun = startInstance(t);
  const folder = mountPoint(podrun, "shared");
  const privileged = { securityContext: { privileged: true } };
  await podrun.start(
    pod("gets", folder, { mountPropagation: "HostToContainer" }, privileged),
    pod("none", folder, {}, privileged),
  );
  execFileSync("mount", ["-t", "tmpfs", "late", join(folder, "late")]);
  writeFileSync(join(folder, "late/file"), "");
  t.equal(await see(podrun, "gets", "ls /host/early /host/late | grep -c file"), "2\n");
  t.equal(await see(podrun, "none", "ls /host/early /host/late | grep -c file"), "1\n");
  for (const name of ["gets", "none"]) await see(podrun, name, "mount -t tmpfs x /host/inside && touch /host/inside/x");
  t.notOk(existsSync(join(folder, "inside/x")));
});

t.test("Bidirectional gives the host what a privileged container mounts", async (t) => {
  const podrun = startInstance(t);
  const folder = mountPoint(podrun, "shared");
  const mount = { mountPropagation: "Bidirectional" };
  await podrun.start(pod("gives", folder, mount, { securityContext: { privileged: true } }));
  await see(podrun, "gives", "mount -t tmpfs x /host/inside && touch /host/inside/x");
  t.ok(existsSync(join(folder, "inside/x")));
  t.match(await podrun.apply(pod("bad", folder, mount)), {
    code: 1,
    stderr: /Bidirectional is for privileged containers only/,
  });
});

t.test("a mount that is not shared is refused with an event, not silently without effect", async (t) => {
  const podrun = startInstance(t);
  const folder = mountPoint(podrun, "private");
  await podrun.apply(pod("waits", folder, { mountPropagation: "HostToContainer" }));
  const text = `MountVolume.SetUp failed for volume "host" : path ${folder} is mounted on ${folder} but it is not a shared mount`;
  await until(async () => (await podrun.ok("describe", "pod", "waits")).includes(text));
  execFileSync("mount", ["--make-shared", folder]);
  await podrun.untilPod("waits", ({ status }) => status.phase === "Running");
});

t.test("recursiveReadOnly makes what is mounted below read-only, too; readOnly alone does not", async (t) => {
  const podrun = startInstance(t);
  const folder = mountPoint(podrun, "private");
  await podrun.start(
    pod("all", folder, { readOnly: true, recursiveReadOnly: "Enabled" }),
    pod("possible", folder, { readOnly: true, recursiveReadOnly: "IfPossible" }),
    pod("one", folder, { readOnly: true }),
  );
  for (const name of ["all", "possible"])
    t.match(await see(podrun, name, "touch /host/early/x 2>&1 || true"), /Read-only/);
  t.match(await see(podrun, "one", "touch /host/x 2>&1 || true; touch /host/early/x"), /host\/x: Read-only/);
  t.ok(existsSync(join(folder, "early/x")));
  t.match(
    readFileSync("/proc/self/mountinfo", "utf8"),
    new RegExp(`${folder}/early rw`),
    "the host's own mount stays as it is",
  );
  const refused = async (mount: object, message: RegExp) =>
    t.match(await podrun.apply(pod("bad", folder, mount)), { code: 1, stderr: message });
  await refused({ recursiveReadOnly: "Enabled" }, /recursiveReadOnly: Enabled needs readOnly: true/);
  await refused(
    { readOnly: true, recursiveReadOnly: "IfPossible", mountPropagation: "HostToContainer" },
    /IfPossible needs mountPropagation None/,
  );
});
