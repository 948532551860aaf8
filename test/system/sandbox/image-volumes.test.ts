import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { RuntimeImage } from "../../../src/sandbox/types.ts";
import { runToEnd, security, startRuntime } from "./runtime.ts";

const made = await startRuntime("vol");
t.teardown(() => made.close());

const layer = made.layer("volumes", {
  "data/inside": "of the image\n",
  linked: "-> ../../../../elsewhere",
  "elsewhere/": "",
});

function imageWith(...volumes: string[]): RuntimeImage {
  const image = made.imageWith(layer);
  return { ...image, config: { ...image.config, volumes } };
}

const readOnly = { ...security, readOnlyRootFilesystem: true };

t.test("an image's volume can be written though the root is read-only, and has what the image has there", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const image = imageWith("/data", "/not/there/yet", "relative/", "/data");
  const script = `exec 2>&1; cat /data/inside; echo mine >/data/own && cat /data/own
    echo x >/not/there/yet/x && echo x >/relative/x && echo written; echo x >/x; echo x >/not/x`;
  const first = await runToEnd(runtime, id, made.container("first", script, { image, security: readOnly }));
  t.match(first.log, /^of the image\nmine\nwritten\n/);
  t.match(first.log, /create \/x: Read-only file system/);
  t.match(first.log, /create \/not\/x: Read-only file system/, "only the volume itself");
  const second = await runToEnd(runtime, id, made.container("second", "ls /data", { image, security: readOnly }));
  t.equal(second.log, "inside", "it is the container's own");
  t.notOk(existsSync(join(image.layersFolder, layer, "data/own")));
  await runtime.removeSandbox(id);
});

t.test(
  "a volume of the manifest's in the same place goes before the image's, and below it the image's is there",
  async (t) => {
    const { runtime } = made;
    const { id } = await runtime.runSandbox(made.sandbox({ memoryVolumes: { m: {} } }));
    const mount = (target: string) => [{ source: { kind: "memory", volume: "m" }, target, readOnly: false }] as const;
    const same = { image: imageWith("/data"), mounts: mount("/data/") };
    t.equal((await runToEnd(runtime, id, made.container("same", "ls /data; exit 7", same))).log, "");
    const above = { image: imageWith("/data/deep"), mounts: mount("/data") };
    const script = "echo x >/data/deep/x; grep -c /data /proc/self/mountinfo";
    t.equal((await runToEnd(runtime, id, made.container("above", script, above))).log, "2");
    const after = await runToEnd(runtime, id, made.container("after", "ls /data/deep", same));
    t.equal(after.log, "", "what was written there went with the container, not into the pod's volume");
    await runtime.removeSandbox(id);
  },
);

t.test(
  "a volume behind a link of the image's is made inside the container, and /proc, /sys, /dev and / are none",
  async (t) => {
    const { runtime } = made;
    const { id } = await runtime.runSandbox(made.sandbox());
    const image = imageWith("/linked", "/proc", "/sys/fs/cgroup", "/dev", "/", "/../..", "/data/../dev/pts");
    const script =
      "echo x >/elsewhere/x; test -e /dev/null && test -e /proc/self && echo fine; grep -c /elsewhere /proc/self/mountinfo";
    const { log } = await runToEnd(runtime, id, made.container("main", script, { image, security: readOnly }));
    t.equal(log, "fine\n1");
    t.notOk(existsSync("/elsewhere"));
    const plan = runtime.plan(made.sandbox(), [made.container("main", "", { image })]);
    t.equal(plan.filter(({ why }) => why.startsWith("VOLUME")).length, 5, "one volume");
    t.match(readFileSync(join(image.layersFolder, layer, "data/inside"), "utf8"), "of the image\n");
    await runtime.removeSandbox(id);
  },
);
