import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { decodeManifests } from "../../../src/spec/index.ts";

const FOLDER = join(import.meta.dirname, "../../../examples");

/** Pods that are called otherwise than their files. */
const NAMES: Readonly<Record<string, string>> = { "hello-pod.yaml": "hello", "ephemeral-storage.yaml": "scratch" };

for (const file of globSync("*.yaml", { cwd: FOLDER }).sort()) {
  t.test(`examples/${file} holds one valid pod with the file's name`, async (t) => {
    const [first, ...more] = decodeManifests(readFileSync(join(FOLDER, file)), file)
      // What a pod needs may stand beside it.
      .filter(({ object }) => object.kind === "Pod");
    t.equal(more.length, 0);
    t.equal(first?.object.metadata.name, NAMES[file] ?? file.replace(".yaml", ""));
  });
}

/** `podrun.local/base` and the like are no mention: the name stands alone between quotes, or is a path's end. */
const mentions = (text: string, name: string): boolean => new RegExp(`["\`/]${name}(\\.yaml)?["\`]`).test(text);

t.test("every example is run by a system test", async (t) => {
  const folder = join(import.meta.dirname, "../../system");
  const tests = globSync("*.test.ts", { cwd: folder })
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .filter((text) => text.includes("examples"));
  for (const file of globSync("*.yaml", { cwd: FOLDER }))
    t.ok(
      tests.some((text) => mentions(text, file.replace(".yaml", ""))),
      `examples/${file} is in no test`,
    );
  t.ok(
    tests.some((text) => text.includes("examples/errors/*.yaml")),
    "nor are those of examples/errors",
  );
});
