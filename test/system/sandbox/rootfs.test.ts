import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runToEnd, security, startOne, startRuntime } from "./runtime.ts";

const made = await startRuntime("roo");
// A kernel before 6.8 has no `lowerdir+`: what plans do there works on every kernel.
const older = await startRuntime("rol", { overlayAppends: false });
t.teardown(async () => {
  await older.close();
  await made.close();
});

t.test("what a container writes lands in its upper folder, never in a layer, and goes with it", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const script = "echo mine >/etc/os-release; echo new >/new; rm /etc/nsswitch.conf; exec sleep 1000";
  const layer = join(made.image.layersFolder, made.image.layers[0] ?? "");
  const before = readFileSync(join(layer, "etc/os-release"), "utf8");
  const first = await startOne(runtime, id, made.container("first", `${script}`));
  const folder = join(made.config.root, "containers", first);
  const second = await runToEnd(
    runtime,
    id,
    made.container("second", "test -e /new || echo absent; cat /etc/os-release"),
  );
  t.equal(second.log, `absent\n${before.trimEnd()}`, "another container has the image's file");
  await runtime.stopContainer(first, 0);
  t.equal(readFileSync(join(folder, "upper/new"), "utf8"), "new\n");
  t.equal(readFileSync(join(layer, "etc/os-release"), "utf8"), before);
  t.ok(existsSync(join(layer, "etc/nsswitch.conf")));
  await runtime.removeContainer(first);
  t.notOk(existsSync(folder));
  await runtime.removeSandbox(id);
  t.same(readdirSync(join(made.config.root, "containers")), []);
});

for (const [name, { runtime, ...rest }] of Object.entries({
  "the topmost of 1, 40 and 120 layers wins, and all are there": made,
  "so they are on a kernel whose overlay takes its layers as one string": older,
}))
  t.test(name, async (t) => {
    const { id } = await runtime.runSandbox(rest.sandbox());
    const all = Array.from({ length: 120 }, (_, i) =>
      // As long as an imported layer's name.
      rest.layer(`${"0".repeat(12)}${String(i).padStart(4, "0")}`, { top: `layer ${i}\n`, [`stack/${i}`]: "" }),
    );
    for (const count of [1, 40, 120]) {
      const image = rest.imageWith(...all.slice(0, count));
      const script = "cat /top; ls /stack | wc -l; echo own >/top; rm /stack/0; cat /top; ls /stack | wc -l";
      const { log, code } = await runToEnd(runtime, id, rest.container(`of-${count}`, script, { image }));
      t.equal(log, `layer ${count - 1}\n${count}\nown\n${count - 1}`, `${count} layers`);
      t.equal(code, 0);
    }
    const { layersFolder, layers } = rest.image;
    t.equal(readFileSync(join(layersFolder, all[119] ?? "", "top"), "utf8"), "layer 119\n");
    t.ok(existsSync(join(layersFolder, layers[0] ?? "", "bin/busybox")));
    await runtime.removeSandbox(id);
  });

t.test("the host's mount table is as long with pods as without", async (t) => {
  const { runtime } = made;
  const table = (): readonly string[] => readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const before = table();
  const pods = await Promise.all([1, 2, 3].map(() => runtime.runSandbox(made.sandbox({ memoryVolumes: { m: {} } }))));
  for (const { id } of pods) {
    const mounts = [
      { source: { kind: "memory", volume: "m" }, target: "/m", readOnly: false },
      { source: { kind: "host", path: made.folder }, target: "/h", readOnly: false },
    ] as const;
    await startOne(runtime, id, made.container("main", "exec sleep 1000", { mounts }));
  }
  t.same(table(), before);
  const older40 = Array.from({ length: 40 }, (_, i) => older.layer(`table-${i}-0000000000000`, { [`${i}`]: "" }));
  const pod = await older.runtime.runSandbox(older.sandbox());
  const image = older.imageWith(...older40);
  await startOne(older.runtime, pod.id, older.container("main", "exec sleep 1000", { image }));
  t.same(table(), before, "nor does the older way of mounting leave one");
  for (const { id } of pods) await runtime.removeSandbox(id);
  await older.runtime.removeSandbox(pod.id);
  t.same(table(), before);
});

t.test("with readOnlyRootFilesystem nothing can be written but to mounts", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox({ memoryVolumes: { m: {} } }));
  const mounts = [{ source: { kind: "memory", volume: "m" }, target: "/m", readOnly: false }] as const;
  const script = "exec 2>&1; echo x >/x; echo x >/etc/hosts; echo x >/dev/shm/x && echo x >/m/x && cat /m/x /dev/shm/x";
  const own = { ...security, readOnlyRootFilesystem: true };
  const change = { security: own, mounts, workingDir: "/made/here" };
  const { log, code } = await runToEnd(runtime, id, made.container("main", `pwd; ${script}`, change));
  t.equal(code, 0);
  t.match(log, /^\/made\/here$/m);
  t.match(log, /create \/x: Read-only file system/);
  t.match(log, /create \/etc\/hosts: Read-only file system/);
  t.match(log, /x\nx$/);
  await runtime.removeSandbox(id);
});

t.test("an image whose /proc, /dev, /sys and /etc are links out of it does not lead mounts out of it", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const links = { proc: "-> ../../../../../../p", dev: "-> /../../d", sys: "-> /s", "p/": "", "d/": "", "s/": "" };
  const busybox = join(made.image.layersFolder, made.image.layers[0] ?? "", "bin/busybox");
  const layer = made.layer("linked", { ...links, etc: "-> ../../e", "e/": "", "bin/sh": "" });
  copyFileSync(busybox, join(made.image.layersFolder, layer, "bin/sh"));
  const image = { ...made.image, layers: [layer] };
  const command = ["/bin/sh", "-c", "while read -r _ _ _ _ at _; do echo $at; done </proc/self/mountinfo"];
  const { log, code } = await runToEnd(runtime, id, made.container("main", "", { image, command }));
  t.equal(code, 0, log);
  const points = log.split("\n");
  for (const point of ["/p", "/d", "/d/pts", "/d/shm", "/s", "/e/hosts"]) t.ok(points.includes(point), point);
  await runtime.removeSandbox(id);
});
