import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { decodeManifests } from "../../../src/spec/index.ts";

const FOLDER = join(import.meta.dirname, "../../../examples");

for (const file of globSync("*.yaml", { cwd: FOLDER }).sort()) {
  t.test(`examples/${file} holds one valid pod with the file's name`, async (t) => {
    const [first, ...more] = decodeManifests(readFileSync(join(FOLDER, file)), file);
    t.equal(more.length, 0);
    t.equal(first?.object.kind, "Pod");
    t.equal(first?.object.metadata.name, file === "hello-pod.yaml" ? "hello" : file.replace(".yaml", ""));
  });
}
