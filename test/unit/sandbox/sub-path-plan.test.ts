import t from "tap";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { RESOLVE_IN_ROOT } from "../../../src/linux/plan/table.ts";
import { compileContainer } from "../../../src/sandbox/container-plan.ts";
import { containerCommand, containerIdentity } from "../../../src/sandbox/identity.ts";
import { containerSlots } from "../../../src/sandbox/slots.ts";
import type { ContainerMount } from "../../../src/sandbox/types.ts";
import * as fixtures from "./fixtures.ts";

function planOf(...mounts: ContainerMount[]): readonly Operation[] {
  const config = { ...fixtures.container(), mounts };
  const sandbox = fixtures.sandbox();
  return compileContainer(
    {
      id: "c0",
      config,
      sandbox,
      cgroup: "/podrun/burstable/pod0f1e/c0",
      folder: "/var/lib/podrun/containers/c0",
      identity: containerIdentity(config, sandbox),
      argv: containerCommand(config),
      key: 1,
      slots: containerSlots(0),
      logPath: "/logs/0.log",
      logSizeBytes: 1024,
      logFiles: 2,
    },
    fixtures.machine(),
  );
}

const subPath = { path: "a/b", mode: 0o2777 };
const SOURCES: readonly ContainerMount["source"][] = [
  { kind: "host", path: "/srv/data" },
  { kind: "memory", volume: "cm" },
];

for (const source of SOURCES)
  t.test(
    `a subPath of a ${source.kind} volume is made and found inside the volume only, and mounted by descriptor`,
    async (t) => {
      const plan = planOf({ source, target: "/in", readOnly: false, subPath });
      const at = plan.findIndex((one) => one.op === "open_tree" && one.path === "a/b");
      const found = plan[at];
      t.match(found, { op: "open_tree", resolve: RESOLVE_IN_ROOT });
      const made = plan.filter((one) => one.op === "mkdir" && ["a", "a/b"].includes(one.path));
      t.match(made, [
        { path: "a", mode: 0o2777, resolve: RESOLVE_IN_ROOT, optional: true },
        { path: "a/b", mode: 0o2777, resolve: RESOLVE_IN_ROOT, optional: true },
      ]);
      const target = plan.find((one) => one.op === "mountpoint_like");
      t.match(target, { path: "/in", like: found?.op === "open_tree" ? found.out : -1 });
      t.notOk(
        plan.some((one) => "path" in one && one.path.endsWith("/data/a/b")),
        "nowhere as one path of the host's",
      );
    },
  );

t.test(
  "an image volume is read-only, without devices, and nothing in it can be run; one layer needs no overlay",
  async (t) => {
    const image = (layers: readonly string[]): ContainerMount => ({
      source: { kind: "layers", image: { ...fixtures.image, layersFolder: "/layers", layers } },
      target: "/image",
      readOnly: true,
    });
    const ONLY_FILES = 0x1n | 0x2n | 0x4n | 0x8n;
    const several = planOf(image(["low", "high"])).find(
      (one) => one.op === "fsmount" && one.options.includes("lowerdir+=/layers/high"),
    );
    t.match(several, {
      options: ["source=overlay", "lowerdir+=/layers/high", "lowerdir+=/layers/low"],
      attributes: ONLY_FILES,
    });
    const plan = planOf(image(["only"]));
    const at = plan.findIndex((one) => one.op === "open_tree" && one.path === "/layers/only");
    t.match(plan[at + 1], { op: "mount_setattr", set: ONLY_FILES });
    // A part of it is looked up with the image as its root, while it is attached: detached it could not be copied everywhere.
    const part = planOf({ ...image(["low", "high"]), subPath });
    const taken = part.findIndex((one) => one.op === "open_tree" && one.path === "a/b");
    t.match(part.slice(taken - 1, taken + 2), [
      { op: "move_mount", path: "/root" },
      { op: "open_tree", resolve: RESOLVE_IN_ROOT },
      { op: "umount", path: "/root" },
    ]);
  },
);
