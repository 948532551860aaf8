import t from "tap";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { describe } from "../../../src/sandbox/describe.ts";
import { compileVolume, type VolumeWrite } from "../../../src/sandbox/volume-plan.ts";

const file = (path: string, text = "x") => ({ path, data: Buffer.from(text), mode: 0o644 });
const write = (change: Partial<VolumeWrite> = {}): VolumeWrite => ({
  volume: "cm",
  tree: { files: [file("a"), file("b/c/d")] },
  folder: "..new",
  names: [],
  why: "test",
  ...change,
});
const textOf = (plan: readonly Operation[]): string[] => plan.map(describe);

t.test("the files are there before the one rename that shows them, and what is old goes after it", async (t) => {
  const [plan, ...more] = compileVolume(write({ names: ["a", "gone"] }));
  t.same(more, []);
  const steps =
    plan?.filter(({ op }) => !["clone", "dumpable", "close_fds", "umask", "setns", "open"].includes(op)) ?? [];
  t.same(textOf(steps), [
    "mkdir /..new (0755)",
    "mkdir /..new/b (0755)",
    "mkdir /..new/b/c (0755)",
    "write 1 bytes to /..new/a",
    "write 1 bytes to /..new/b/c/d",
    "symlink /..new_link -> ..new",
    "rename /..new_link to /..data",
    "remove all of root but ..data, ..new, a",
    "symlink /b -> ..data/b",
  ]);
});

t.test(
  "the stage gives up what looks into the host before it enters the pod's mounts, and no reader sees a value",
  async (t) => {
    const [plan = []] = compileVolume(write({ tree: { files: [file("a", "s3cr3t")] } }));
    t.same(
      plan.slice(0, 5).map(({ op, actor }) => `${actor} ${op}`),
      ["monitor clone", "stage dumpable", "stage close_fds", "stage umask", "stage setns"],
    );
    t.notMatch(textOf(plan).join("\n"), /s3cr3t/);
  },
);

t.test("with a group, folders are setgid and files are readable by it", async (t) => {
  const [plan = []] = compileVolume(write({ tree: { files: [{ ...file("a/b"), mode: 0o400 }], gid: 7 } }));
  const text = textOf(plan).join("\n");
  t.match(text, /chown \/\.\.new -:7\nchmod \/\.\.new 2755\n/);
  t.match(text, /chown \/\.\.new\/a\/b -:7\nchmod \/\.\.new\/a\/b 0440\n/);
});

t.test("what is too much for one plan comes in several, and only the last shows it", async (t) => {
  const many = compileVolume(write({ tree: { files: Array.from({ length: 5000 }, (_, i) => file(`f${i}`)) } }));
  t.ok(many.length > 1);
  for (const plan of many) t.ok(plan.length < 4096);
  const renames = many.map((plan) => plan.filter(({ op }) => op === "rename").length);
  t.equal(
    renames.reduce((sum, count) => sum + count),
    1,
  );
  const writes = many.flat().filter(({ op }) => op === "write_file").length;
  t.equal(writes, 5000);
  const big = compileVolume(
    write({ tree: { files: Array.from({ length: 20 }, (_, i) => file(`f${i}`, "x".repeat(2 ** 20))) } }),
  );
  t.equal(big.length, 3);
});
